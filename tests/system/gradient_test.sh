#!/usr/bin/env bash
# Gradients as values of a graph, as a user meets them: a critic with a gradient penalty trains, is resumed bit for bit, and takes
# another penalty while it runs; a node without a second derivative is named.
. "$(dirname "$0")/lib.sh"

cat >critic.yaml <<'YAML'
version: 1
graph: critic
data: {type: gaussian, features: 6, count: 400}
nodes:
  x:      {type: input, shape: [6]}
  noise:  {type: normal, in: {like: x}}
  fake:   {type: linear, in: noise, units: 6}
  hidden: {type: linear, in: x, units: 16, activation: leaky_relu}
  norm:   {type: expr, in: {h: hidden}, y: "h * rsqrt(mean(h^2) + 1e-4)"}
  score:  {type: linear, in: norm, units: 1}
  judged: {call: {from: x, to: score}, in: fake}
  u:      {type: uniform, shape: [1]}
  mixed:  {type: expr, in: {u: u, x: x, f: fake}, y: "u * x + (1 - u) * f"}
  scored: {call: {from: x, to: score}, in: mixed}
  slope:  {type: gradient, in: {of: scored, at: mixed}}
losses:
  game:    {expr: "sum(f - r)", in: {f: judged, r: score}, role: adversarial}
  penalty: {expr: "10 * (sqrt(sum(g^2)) - 1)^2", in: {g: slope}, role: regulariser}
  deceive: {expr: "-sum(f)", in: {f: judged}, role: adversarial}
objectives:
  critic:    {losses: [game, penalty], parameters: [hidden, score]}
  generator: {losses: [deceive], parameters: [fake], every: 2}
train: {batch: 32, steps: 200, optimizer: {type: adam, lr: 1.0e-3}, checkpoint_every: 100, eval_every: 20}
YAML

expect 0 validate critic.yaml
expect 0 inspect critic.yaml
says out 'slope/scored' 'gradient of linear'
expect 0 inspect linear
says out 'has a second derivative'
expect 0 inspect batch_norm
! grep -q 'second derivative' out || fail "batch_norm has none"
expect 0 check linear --set units=3
says out 'second derivative'

# The critic's gradient comes near the norm of 1.
expect 0 train critic.yaml --out whole --lanes 2 --shard 8
says whole/graph.yaml 'type: gradient'
expect 0 validate whole/graph.yaml
expect 0 metrics whole --name penalty
holds "$(awk -F, '$2 == "test" { if (first == "") first = $4; last = $4 } END { print last " < 0.5 * " first }' out)"
expect 0 train critic.yaml --out parts --lanes 2 --shard 8 --steps 100 --threads 1
expect 0 train --resume parts --steps 200 --threads 2
same whole/checkpoints/step-000200.safetensors parts/checkpoints/step-000200.safetensors

# What cannot be differentiated twice, and what can be differentiated once.
sed 's/norm:   .*/norm:   {type: softmax, in: hidden}/' critic.yaml >norm.yaml
expect 65 validate norm.yaml
says err E215 "norm.yaml:15" "'slope' is differentiated again" "(softmax) has no second derivative" 'one of activation, add' 'expr, flatten' 'stop: true'
sed 's/at: mixed}}/at: mixed}, stop: true}/; s/losses: \[game, penalty\]/losses: [game]/' norm.yaml >stopped.yaml
expect 0 validate stopped.yaml
expect 0 train stopped.yaml --steps 5 --out stopped
sed 's/at: mixed}}/at: fake}}/; s/of: scored/of: score/' critic.yaml >apart.yaml
expect 65 validate apart.yaml
says err E206 "'score' does not depend on 'fake'"
sed 's/of: scored, //' critic.yaml >half.yaml
expect 65 validate half.yaml
says err "the input 'of' is not connected"

# While it trains: another penalty, and another point at which the gradient is taken.
"$GRAPH_RUNNER" train critic.yaml --out live --watch --set train.checkpoint_every=0 --steps 100000000 --log-every 1000 >live.out 2>live.err &
training=$!
wait_for step 1
sed -i 's/10 \* (sqrt(sum(g^2)) - 1)^2/5 * sum(g^2)/' critic.yaml
wait_for swaps 1
sed -i 's/in: {of: scored, at: mixed}/in: {of: score, at: x}/' critic.yaml
wait_for swaps 2
sed -i 's/norm:   .*/norm:   {type: softmax, in: hidden}/' critic.yaml
wait_for refused 1
says live.err 'has no second derivative'
expect 0 ctl live stop
wait $training || fail "the training that was stopped did not end with 0"
finish
