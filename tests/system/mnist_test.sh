#!/usr/bin/env bash
# graphs/vae-mnist.yaml on the real MNIST reaches the test ELBO that its header promises.
. "$(dirname "$0")/lib.sh"
[ -d "$data_folder/mnist" ] || skip "$data_folder/mnist does not exist; set LATENTLOOM_DATA to the folder of the data sets"
expect 0 train "$repository/graphs/vae-mnist.yaml" --data "idx:$data_folder/mnist" --steps 4700 --batch 128 --out run --json
is_png run/samples.png run/reconstructions.png
expect 0 eval run --split test --nll-samples 20 --limit 1000 --json
has_json /negative_elbo /nll /standard_error /bits_per_dim /terms/kl
holds "$(json /nll) < $(json /negative_elbo)"
expect 0 eval run --split test --json
echo "test negative ELBO: $(json /negative_elbo) nats"
[ "$(json /samples)" = 10000 ] || fail "the test set has $(json /samples) images, not 10,000"
holds "$(json /negative_elbo) <= 108"
holds "$(json /negative_elbo) > 90" # better than any VAE on grey values as probabilities: a wrong likelihood
expect 0 eval run --data "idx:$data_folder/mnist,split=test" --split train --limit 500 --json
finish
