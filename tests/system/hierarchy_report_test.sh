#!/usr/bin/env bash
# The report of a model with more latent variables than it shows: those with the highest rates, and the names of the others.
. "$(dirname "$0")/lib.sh"
cat >level.yaml <<'YAML'
version: 1
block: level
inputs: [h]
nodes:
  q:  {type: gaussian_parameters, in: h, dim: 2, init: {weight: {type: default, scale: 0.1}}}
  z:  {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
  w:  {type: linear, in: z, units: 16}
  y:  {type: add, in: [h, w]}
outputs: {h: y, kl: kl}
YAML
cat >levels.yaml <<'YAML'
version: 1
graph: levels
vars: {levels: 11}
data: {type: sprites, size: 16, count: 200}
nodes:
  x:     {type: input, shape: [16, 16, 1]}
  row:   {type: flatten, in: x}
  code:  {type: linear, in: row, units: 16, activation: tanh}
  level: {use: level.yaml, in: {h: code}, chain: {h: h}, repeat: "${levels}"}
  flat:  {type: linear, in: level.h, units: 256}
  logits: {type: reshape, in: flat, shape: [16, 16, 1]}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: x}}
  kl: {of: "level/*/kl"}
train: {batch: 20, steps: 5, eval_every: 0}
generate: {reconstruct: {show: logits}}
YAML
expect 0 train levels.yaml --out run
shown=$(ls run | grep -c '^traversal-')
[ "$shown" = 8 ] || fail "$shown traversals"
says run/report.html "Traversed: the 8 latent variables with the highest rates"
left=$(grep -o 'shows the others: [^<]*' run/report.html | tr ',' '\n' | wc -l)
[ "$left" = 3 ] || fail "$left latent variables are named"
# One evaluation gives no curve: its values are words. A second one gives charts.
says run/report.html "Measured once: negative ELBO, nats" "Constant: learning rate"
expect 0 train levels.yaml --set vars.levels=2 --set train.eval_every=2 --steps 4 --out twice
says twice/report.html ">negative ELBO, nats</text>"
! grep -q "Measured once: negative ELBO" twice/report.html || fail "two evaluations are measured once"
expect 0 train levels.yaml --set vars.levels=1 --out one
[ -e one/traversal.png ] || fail "one latent variable has a traversal.png"
finish
