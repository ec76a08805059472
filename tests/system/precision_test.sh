#!/usr/bin/env bash
# --precision bf16: it trains as f32 does but for rounding, its bits are its own and repeat, the run records it, and a processor
# that does not multiply bf16 refuses it with the reason.
. "$(dirname "$0")/lib.sh"

cat >wide.yaml <<'YAML'
version: 1
graph: wide
doc: A VAE with convolutions and products.
data: {type: sprites, size: 16, count: 400}
nodes:
  x:       {type: input, shape: [16, 16, 1]}
  first:   {type: conv, in: x, filters: 32, kernel: 4, stride: 2, padding: 1, activation: relu}
  middle:  {type: conv, in: first, filters: 32, kernel: 3, padding: 1, activation: relu}
  flat:    {type: flatten, in: middle}
  hidden:  {type: linear, in: flat, units: 64, activation: relu}
  q:       {type: gaussian_parameters, in: hidden, dim: 6}
  z:       {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  wide:    {type: linear, in: z, units: 2048, activation: relu}
  map:     {type: reshape, in: wide, shape: [8, 8, 32]}
  logits:  {type: conv_transpose, in: map, filters: 1, kernel: 4, stride: 2, padding: 1}
losses:
  likelihood: {type: bernoulli_nll, in: {logits: logits, target: x}}
  kl:         {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 16, steps: 400, optimizer: {type: adam, lr: 1.0e-3}, eval_every: 200, checkpoint_every: 100}
YAML
options=(train wide.yaml --lanes 2 --shard 4)
last=checkpoints/step-000400.safetensors

# Refused where there is no bf16; both of oneDNN's names of the limit.
refused() { DNNL_MAX_CPU_ISA=AVX512_CORE ONEDNN_MAX_CPU_ISA=AVX512_CORE expect "$@"; }
refused 2 "${options[@]}" --precision bf16 --out refused
says err E702 'does not multiply bf16' '--precision f32'
[ -e refused ] && fail "a refused training left a folder"
refused 2 bench wide.yaml --steps 2 --precision bf16
says err E702
refused 2 inspect wide.yaml --precision bf16
says err E702
expect 2 "${options[@]}" --precision half --out other
says err "'half' is not f32 or bf16"

expect 0 "${options[@]}" --out f32
says f32/run.json '"precision": "f32"'
if ! "$GRAPH_RUNNER" bench wide.yaml --steps 1 --precision bf16 >out 2>err; then
  says err E702
  echo "SKIPPED the rest: this processor does not multiply bf16"
  finish
fi
# Maps of half the width take less memory.
expect 0 inspect wide.yaml --json
whole=$(json /planned/workers)
expect 0 inspect wide.yaml --precision bf16 --json
holds "$(json /planned/workers) < $whole"
expect 0 "${options[@]}" --precision bf16 --threads 1 --out bf16
expect 0 "${options[@]}" --precision bf16 --threads 2 --out threads
same bf16/$last threads/$last
differ bf16/$last f32/$last
says bf16/run.json '"precision": "bf16"'
bound() { expect 0 eval "$1" --newest --json && json /negative_elbo; }
# The mean of three seeds: another seed alone changes a bound by a tenth.
for seed in 2 3; do
  for precision in f32 bf16; do
    expect 0 "${options[@]}" --precision $precision --seed $seed --out $precision-$seed
  done
done
mean() { awk '{ sum += $1 } END { print sum / NR }' < <(for run in "$1" "$1-2" "$1-3"; do bound "$run"; done); }
a=$(mean f32)
b=$(mean bf16)
holds "$a - $b < 0.02 * $a && $b - $a < 0.02 * $a"

expect 0 "${options[@]}" --precision bf16 --steps 250 --out resumed
expect 0 train --resume resumed --steps 400
same bf16/$last resumed/$last
# The weights are f32: they can be evaluated, and trained on, in f32.
refused 0 eval resumed
refused 2 train --resume resumed --steps 410
says err E702
expect 0 train --resume resumed --steps 410 --precision f32
says err 'the precision is f32 instead of bf16'
says resumed/run.json '"precision": "f32"'

expect 0 bench wide.yaml --steps 3 --precision bf16 --profile
says out 'bf16'
finish
