#!/usr/bin/env bash
# Values that are not finite: the command ends with 1, and names the first one, its item and what helps.
. "$(dirname "$0")/lib.sh"
cat >base.yaml <<'YAML'
version: 1
graph: base
data: {type: gaussian, features: 6, count: 200}
nodes:
  x:    {type: input, shape: [6]}
  h:    {type: linear, in: x, units: 6, init: {weight: {type: normal, std: 30}}}
  q:    {type: gaussian_parameters, in: h, dim: 2, init: {weight: {type: normal, std: 30}}}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  p:    {type: gaussian_parameters, in: z, dim: 2, max_logvar: 4}
  y:    {type: add, in: [z, p.mu]}
  mean: {type: linear, in: y, units: 6}
losses:
  reconstruction: {type: squared_error, in: {x: mean, target: x}}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 20, steps: 3, eval_every: 0}
generate: {reconstruct: {show: mean}}
YAML

# No step: the port where it began, and the node whose variance is not bounded.
expect 1 train base.yaml --out none
says err "E304" "no step was applied: all 3" "the first value that is not finite is" "item" "max_logvar of 'q'"
if grep -q -- "-nan" out err; then fail "a NaN with a sign"; fi
expect 1 train base.yaml --out none-json --json
[ "$(json /completed)" = false ] || fail "completed: $(json /completed)"
has_json /failure

# One held-out row is not like the others: the evaluation ends with it, in training and afterwards.
cat >table.yaml <<'YAML'
extends: base.yaml
graph: table
nodes:
  h: {init: {weight: default}}
  q: {init: {weight: default}}
  scale: {type: constant, value: 1.0e30, shape: [6]}
  large: {type: multiply, in: [mean, scale]}
losses:
  reconstruction: {in: {x: mean}}
YAML
expect 0 train table.yaml --out good
expect 0 encode good --port x --out x.npy
expect 0 run good --feed x=x.npy --fetch large=large.npy
expect 0 eval good --data npy:x.npy
expect 1 eval good --data npy:large.npy,split=all
says err "the evaluation is not finite" "the first value that is not finite is" "item 0 of"
expect 1 train table.yaml --data npy:x.npy,test=large.npy --out tested
says err "the last evaluation is not finite" "of the split 'test'"
expect 1 eval tested --json
says err "E304"
finish
