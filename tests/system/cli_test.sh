#!/usr/bin/env bash
# Every verb of graph-runner in its fixed call forms, and the keys of its JSON. Wrong use: cli_errors_test.sh; outputs
# that cannot be written: cli_outputs_test.sh.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml

# --help
verbs="train eval run sample reconstruct encode decode traverse interpolate list inspect validate render check new-plugin bench version"
expect 0 --help
for verb in $verbs; do
  says out "  $verb "
done
for verb in $verbs; do
  expect 0 "$verb" --help
  says out "Usage: graph-runner $verb" "Example:" "graph-runner $verb"
done
expect 0 --version
says out latentloom

# train
expect 0 train tiny.yaml --set vars.latent=4 --set train.checkpoint_every=50 --steps 100 --batch 32 --seed 7 \
  --threads 2 --lanes 2 --shard 8 --out first --json
has_json /run /steps /completed /seconds /samples_per_s /checkpoint /best/value /negative_elbo /samples /reconstructions /traversal /report
[ "$(json /steps)" = 100 ] || fail "trained $(json /steps) steps, not 100"
exists first/graph.yaml first/run.json first/metrics.sqlite first/report.html first/checkpoints/step-000100.safetensors
is_png first/samples.png first/reconstructions.png first/traversal.png
[ "$(json /batch first/run.json) $(json /seed first/run.json) $(json /lanes first/run.json) $(json /shard first/run.json)" = "32 7 2 8" ] ||
  fail "run.json does not record batch, seed, lanes and shard"
says first/graph.yaml "dim: 4"
expect 0 train tiny.yaml --data sprites:size=16,count=300,seed=5 --steps 10 --out other-data
[ "$(json /data/options/count other-data/run.json)" = 300 ] || fail "--data is not recorded"
expect 0 train tiny.yaml --steps 0 --out initial
exists initial/checkpoints/step-000000.safetensors
expect 0 train --resume first --steps 140
exists first/checkpoints/step-000140.safetensors
expect 0 train --resume first
says err "step 140 of 140"

# eval
expect 0 eval first --json
has_json /negative_elbo /standard_error /bits_per_dim /terms/reconstruction /terms/kl
json /nll 2>/dev/null && fail "nll without --nll-samples"
elbo=$(json /negative_elbo)
holds "$elbo > 0 && ($elbo - $(json /terms/reconstruction) - $(json /terms/kl))^2 < 1e-18"
expect 0 eval first --data sprites:size=16,count=400 --split test --nll-samples 20 --limit 30 --json
has_json /negative_elbo /nll /standard_error /bits_per_dim /terms
[ "$(json /samples)" = 30 ] || fail "--limit 30 evaluated $(json /samples) samples"
holds "$(json /nll) < $(json /negative_elbo)" # a tighter bound
expect 0 eval first
says out "negative ELBO" "bits per dimension"

# sample and reconstruct
expect 0 sample first --count 5 --out five.npy
expect 0 sample first --count 5 --out again.npy
same five.npy again.npy
expect 0 sample first --count 5 --seed 2 --out other.npy
differ five.npy other.npy
expect 0 sample first --count 9 --out nine.png
expect 0 reconstruct first --out pairs.png
expect 0 reconstruct first --split train --count 3 --out pairs.npy
is_png nine.png pairs.png

# run: feeds of an input and of a sampler's noise
expect 0 run first --feed x=five.npy --fetch q.mu=mu.npy --fetch image=image.npy
expect 0 run first --feed x=five.npy z.noise=mu.npy --fetch z=z1.npy
expect 0 run first --feed x=five.npy --feed z.noise=mu.npy --fetch z.z=z2.npy --seed 9
same z1.npy z2.npy # fed noise leaves nothing to the seed
expect 0 run first --feed x=five.npy --fetch z.z=z3.npy --mode train --seed 9
differ z1.npy z3.npy
expect 0 run first --feed z=z1.npy --fetch image=decoded.npy # from the middle of the graph
expect 0 run tiny.yaml --set vars.latent=4 --weights first/checkpoints/best.safetensors --feed z=z1.npy \
  --fetch image=same.npy
same decoded.npy same.npy
expect 0 run first --mode train --feed x=five.npy --feed z.noise=mu.npy --loss --gradients gradients.safetensors --json
has_json /loss /terms/reconstruction /terms/kl /weights/kl
exists gradients.safetensors
[ "$(json /samples)" = 5 ] || fail "the batch is not the files'"

# list, inspect, validate, render, check
expect 0 list
says out linear gaussian_kl sprites
expect 0 list --json
has_json /nodes/0/name /nodes/0/summary /datasets/0/name
expect 0 inspect linear
says out units activation weight
expect 0 inspect linear --json
has_json /name /inputs/0/name /outputs/0 /options/0/name /parameters/0/name
expect 0 inspect sprites --json
has_json /name /options/0/name
expect 0 inspect tiny.yaml
says out "encoder" "gaussian_parameters" "parameters in"
expect 0 inspect first --json
has_json /graph /nodes/0/path /parameters /shard /gflop_per_sample
expect 0 validate tiny.yaml
says out "ok: 11 nodes"
expect 0 validate tiny.yaml --json
[ "$(json /ok)" = true ] || fail "validate --json does not say ok"
expect 0 render tiny.yaml --set vars.latent=5
says out "dim: 5"
cp out rendered.yaml
expect 0 render rendered.yaml # what it prints is a document, and says the same
same out rendered.yaml
expect 0 check conv --set filters=4 --set kernel=3 --shape x=2,6,6,3 --input x=2,6,6,3
says out "ok:"
expect 0 check gaussian_kl --json
[ "$(json /ok)" = true ] || fail "check --json does not say ok"

# bench and version
expect 0 bench tiny.yaml --batch 32 --steps 5 --threads 1 --json
has_json /graph /batch /threads /lanes /shard /precision /ms_per_step/median /ms_per_step/min /ms_per_step/max \
  /samples_per_s /peak_rss_mb /gflop_per_step /gflops /loss
[ "$(json /batch) $(json /threads) $(json /precision)" = "32 1 f32" ] || fail "bench does not do what it was asked to"
holds "$(json /ms_per_step/min) <= $(json /ms_per_step/median) && $(json /ms_per_step/median) <= $(json /ms_per_step/max)"
expect 2 bench tiny.yaml --precision f16 # there is no such choice
expect 0 version --json
has_json /version /build_stamp
# bench --sample: a position of ancestral sampling; a graph without positions says so.
pixels="$repository/tests/bench/graphs/pixelcnn-prior-32.yaml"
tiny=(--set vars.size=4 --set vars.codes=8 --set vars.channels=8 --set vars.heads=2)
expect 0 bench "$pixels" "${tiny[@]}" --sample --count 2 --steps 2 --json && has_json /ms_per_position /positions_per_s
holds "$(json /positions) == 16"
expect 0 bench "$pixels" "${tiny[@]}" --sample --count 2 --steps 1 --whole --json && has_json /ms_per_position
expect 2 bench "$repository/graphs/vae.yaml" --sample
says err "sampling is not autoregressive"

finish
