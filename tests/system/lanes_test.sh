#!/usr/bin/env bash
# Lanes and shard follow from the graph and the batch: without an option, any number of threads gives the same bits. The run
# records them and the instruction set, and a resume on another one warns.
. "$(dirname "$0")/lib.sh"

# Whole-batch statistics, tallies of a quantizer, two objectives' sums.
cat >graph.yaml <<'YAML'
version: 1
graph: codes
doc: A VQ-VAE with batch normalisation.
data: {type: sprites, size: 16, count: 300}
nodes:
  x:       {type: input, shape: [16, 16, 1]}
  first:   {type: conv, in: x, filters: 8, kernel: 4, stride: 2, padding: 1}
  norm:    {type: batch_norm, in: first}
  relu:    {type: activation, in: norm}
  down:    {type: conv, in: relu, filters: 8, kernel: 4, stride: 2, padding: 1}
  codes:   {type: vector_quantizer, in: down, codes: 16, dim: 8, update: ema, init: kmeans, restart_after: 3}
  up:      {type: conv_transpose, in: codes, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  logits:  {type: conv_transpose, in: up, filters: 1, kernel: 4, stride: 2, padding: 1}
losses:
  likelihood: {type: bernoulli_nll, in: {logits: logits, target: x}}
  commitment: {of: codes.loss}
train: {batch: 22, steps: 30, optimizer: {type: adam, lr: 1.0e-3}, eval_every: 10, clip_norm: 1.0}
YAML
last=checkpoints/step-000030.safetensors
for threads in 1 2 5; do
  expect 0 train graph.yaml --threads $threads --out threads-$threads
  same threads-1/$last threads-$threads/$last
done
expect 0 train graph.yaml --lanes 1 --out one-lane
differ threads-1/$last one-lane/$last

# The record, and a resume with other threads.

json /isa threads-1/run.json >/dev/null || fail "run.json does not say the instruction set"
lanes=$(json /lanes threads-1/run.json)
holds "$lanes >= 2 && $lanes <= 16"
expect 0 train graph.yaml --steps 15 --threads 2 --out part
expect 0 train --resume part --steps 30 --threads 1
same threads-1/$last part/$last

# Another instruction set rounds differently: said, not refused.
isa=$(json /isa part/run.json)
if [ "$isa" != '"AVX2"' ] && [ "$isa" != "AVX2" ]; then
  DNNL_MAX_CPU_ISA=AVX2 expect 0 train --resume part --steps 40
  says err 'computed on a processor with' 'this one has AVX2'
fi
finish
