#!/usr/bin/env bash
# The readers of images and sounds on real files: short trainings on CIFAR-10, on photographs and on recordings.
. "$(dirname "$0")/lib.sh"
for set in cifar10 photos256 fsdd; do
  [ -d "$data_folder/$set" ] || skip "$data_folder/$set does not exist; set LATENTLOOM_DATA to the folder of the data sets"
done

# learns GRAPH SPEC STEPS: trains, and the held-out ELBO is better than that of the initial weights.
learns() {
  local name=${1%.yaml}
  expect 0 train "$1" --data "$2" --steps 0 --out "$name-initial"
  expect 0 eval "$name-initial" --split test --json
  local before
  before=$(json /negative_elbo)
  expect 0 train "$1" --data "$2" --steps "$3" --out "$name"
  expect 0 eval "$name" --split test --json
  has_json /negative_elbo /bits_per_dim /samples
  echo "$name: $before nats before, $(json /negative_elbo) after $3 steps, on $(json /samples) held-out items"
  holds "$(json /negative_elbo) < $before - 5"
}

# image_graph FILE SIZE: a small convolutional VAE of RGB images.
image_graph() {
  cat >"$1" <<YAML
version: 1
graph: images
doc: A small convolutional VAE of RGB images.
nodes:
  x:      {type: input, shape: [$2, $2, 3]}
  conv1:  {type: conv, in: x, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  conv2:  {type: conv, in: conv1, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  flat:   {type: flatten, in: conv2}
  q:      {type: gaussian_parameters, in: flat, dim: 8}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  linear: {type: linear, in: z, units: $(($2 * $2 / 2)), activation: relu}
  grid:   {type: reshape, in: linear, shape: [$(($2 / 4)), $(($2 / 4)), 8]}
  up1:    {type: conv_transpose, in: grid, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  mean:   {type: conv_transpose, in: up1, filters: 3, kernel: 4, stride: 2, padding: 1}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: learned}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 32, steps: 100, optimizer: {type: adam, lr: 1.0e-3}}
generate:
  sample:      {draw: {z: {type: standard_normal}}, show: mean}
  reconstruct: {show: mean}
YAML
}

# CIFAR-10: binary records, as they are and in gzip.
image_graph cifar.yaml 32
mkdir records
cp "$data_folder/cifar10/cifar10_train10000.bin.gz" records/data_batch_1.bin.gz
cp "$data_folder/cifar10/cifar10_test2000.bin.gz" records/test_batch.bin.gz
learns cifar.yaml "cifar:records" 150
is_png cifar/samples.png cifar/reconstructions.png
gunzip -c records/test_batch.bin.gz >plain.bin
expect 0 eval cifar --data "cifar:plain.bin,split=all" --split all --json
plain=$(json /negative_elbo)
expect 0 eval cifar --data "cifar:records/test_batch.bin.gz,split=all" --split all --json
[ "$plain" = "$(json /negative_elbo)" ] || fail "plain records give $plain, those in gzip $(json /negative_elbo)"
[ "$(json /samples)" = 2000 ] || fail "$(json /samples) of 2,000 records are read"

# Photographs: JPEG files in a folder.
mkdir jpegs recordings
tar -xf "$data_folder/photos256/flowers.tar" -C jpegs
image_graph photos.yaml 32
learns photos.yaml "images:jpegs,size=32" 100
is_png photos/samples.png photos/reconstructions.png
expect 0 eval photos --data "images:jpegs,size=32" --split all --json
[ "$(json /samples)" = 650 ] || fail "$(json /samples) of 650 photographs are read"

# Spoken digits: WAV files in a folder.
tar -xzf "$data_folder/fsdd/fsdd_recordings.tar.gz" -C recordings
cat >audio.yaml <<'YAML'
version: 1
graph: audio
doc: A small VAE of pieces of sound.
nodes:
  x:       {type: input, shape: [512, 1]}
  flat:    {type: flatten, in: x}
  encoder: {type: linear, in: flat, units: 64, activation: relu}
  q:       {type: gaussian_parameters, in: encoder, dim: 8}
  z:       {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  decoder: {type: linear, in: z, units: 64, activation: relu}
  mean:    {type: linear, in: decoder, units: 512}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: flat}, sigma: learned}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 64, steps: 200, optimizer: {type: adam, lr: 1.0e-3}}
YAML
learns audio.yaml "audio:recordings,length=512" 200
finish
