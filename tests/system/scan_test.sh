#!/usr/bin/env bash
# Recurrent nets by `scan`: what is drawn with the state kept has the bits of what is drawn by the whole graph each time, a
# resumed training job has those of one that was not killed, and threads change none.
. "$(dirname "$0")/lib.sh"

cat >net.yaml <<END
version: 1
vars: {hidden: 24}
data: {type: sprites, size: 16, count: 200}
nodes:
  x:      {type: input, shape: [16, 16, 1]}
  rows:   {type: reshape, in: x, shape: [16, 16]}
  before: {type: shift, in: rows, axis: 1, by: 1}
  z:      {type: standard_normal, shape: [6]}
  h:      {type: constant, value: 0.1, shape: ["\${hidden}"]}
  c:      {type: constant, value: 0, shape: ["\${hidden}"]}
  lower:
    in: {x: before}
    whole: {z: z}
    state: {h: h, c: c}
    scan:
      inputs: [x, z, h, c]
      nodes:
        e:    {type: normal, in: {like: z}, std: 0.1}
        all:  {type: concat, in: [x, z, e]}
        cell: {use: $repository/graphs/blocks/lstm.yaml, in: {x: all, h: h, c: c}, vars: {hidden: "\${hidden}"}}
      outputs: {h: cell.h, c: cell.c}
  upper:  {scan: $repository/graphs/blocks/gru.yaml, in: {x: lower.h}, state: {h: h}, vars: {hidden: "\${hidden}"}}
  logits: {type: linear, in: upper, units: 16}
  drawn:  {type: bernoulli_sampler, in: logits}
  image:  {type: reshape, in: drawn, shape: [16, 16, 1]}
losses: {nll: {type: bernoulli_nll, in: {logits: logits, target: rows}}}
train: {batch: 16, steps: 40, eval_every: 20, eval_limit: 32}
generate: {sample: {draw: {z: {type: standard_normal}}, autoregressive: {input: rows, from: drawn}, show: drawn}}
END

# drawn NAME OPTION...: values that a trained net draws.
drawn() { expect 0 sample run --count 7 --seed 3 --out "$1" "${@:2}"; }

expect 0 train net.yaml --threads 1 --out run --quiet
drawn kept.npy
grep -q "runs once per position" err && fail "sample does not keep the state: $(cat err)"
drawn whole.npy --whole
cmp -s kept.npy whole.npy || fail "the state that is kept gives other bits than the whole graph"
checks=$((checks + 1))
expect 0 train net.yaml --threads 2 --out run2 --quiet
expect 0 sample run2 --count 7 --seed 3 --out other.npy
cmp -s kept.npy other.npy || fail "two threads give other bits than one"
checks=$((checks + 1))
expect 0 train net.yaml --threads 1 --out half --steps 20 --quiet
expect 0 train --resume half --steps 40 --quiet
expect 0 sample half --count 7 --seed 3 --out resumed.npy
cmp -s kept.npy resumed.npy || fail "a resumed job gives other bits"
checks=$((checks + 1))
finish
