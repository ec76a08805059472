#!/usr/bin/env bash
# What moves outside of the optimizer: where it stands still, what a restart leaves, resuming, values that are not
# finite, and evaluations whose last batch is small.
. "$(dirname "$0")/lib.sh"
cat >base.yaml <<'YAML'
version: 1
graph: states
data: {type: gaussian, count: 400, features: 4}
nodes:
  x: {type: input, shape: [4]}
  h: {type: linear, in: x, units: 4}
  n: {type: batch_norm, in: h}
  q: {type: vector_quantizer, in: n, codes: 32, init: kmeans, restart_after: 4}
  y: {type: linear, in: q, units: 4}
losses: {fit: {type: squared_error, in: {x: y, target: x}}, c: {of: q.loss}}
train: {batch: 16, steps: 40, checkpoint_every: 1, keep: 100, optimizer: {type: adam, lr: 1.0e-2}}
YAML
last() { ls "$1"/checkpoints/step-*.safetensors | tail -n 1; }
tensor() { # FILE NAME: its bytes, by the header of safetensors
  local length
  length=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  local range
  range=$(head -c $((8 + length)) "$1" | tail -c "$length" | grep -o "\"$2\":{[^}]*}" | grep -o '"data_offsets":\[[0-9,]*\]' |
    grep -o '[0-9]*,[0-9]*')
  [ -n "$range" ] || { echo "no tensor $2 in $1"; return; }
  tail -c +$((9 + length + ${range%,*})) "$1" | head -c $((${range#*,} - ${range%,*})) | od -An -tx1
}
stands() { checks=$((checks + 1)); [ "$(tensor "$1" "$3")" = "$(tensor "$2" "$4")" ] || fail "$3 has moved"; }
moves() { checks=$((checks + 1)); [ "$(tensor "$1" "$3")" != "$(tensor "$2" "$4")" ] || fail "$3 has not moved"; }

# A run is trained on with the decoder alone: the states of what is left out stand still, and this is said.
expect 0 train base.yaml --out r
cat >fine.yaml <<'YAML'
version: 1
graph: fine
data: {type: gaussian, count: 400, features: 4}
nodes: {m: {use: r, weights: r}}
losses: {fit: {type: squared_error, in: {x: m/y, target: m/x}}, c: {of: m/q.loss}}
objectives: {main: {losses: [fit, c], parameters: [m/y]}}
train: {batch: 16, steps: 10, optimizer: {type: adam, lr: 1.0e-2}}
YAML
expect 0 train fine.yaml --out fine
says err "no objective may change 'm/q': its states stand still" "no objective may change 'm/n'"
for state in q.codebook q.cluster_size q.embedding_sum q.unused_for q.perplexity n.running_mean n.running_var h.weight; do
  stands "$(last r)" "$(last fine)" "$state" "m/$state"
done
moves "$(last r)" "$(last fine)" y.weight m/y.weight
expect 0 train fine.yaml --set 'objectives.main.parameters=[m/y, m/q]' --out named # a pattern may name a state's node
moves "$(last r)" "$(last named)" q.codebook m/q.codebook
stands "$(last r)" "$(last named)" n.running_mean m/n.running_mean
expect 0 validate fine.yaml
says out "warning: no objective may change 'm/q'"

# Interrupted at any step, with restarts and a shared codebook, under Adam and with averaged weights: the same bits.
cat >shared.yaml <<'YAML'
extends: base.yaml
nodes:
  k: {type: linear, in: x, units: 4}
  p: {type: vector_quantizer, in: k, codes: 32, init: kmeans, restart_after: 4, weights: q}
  both: {type: add, in: [q, p]}
  y: {in: both}
losses: {d: {of: p.loss}}
YAML
for update in ema loss; do
  sets=(--set nodes.q.update=$update --set nodes.p.update=$update --set train.average=0.9)
  expect 0 train shared.yaml "${sets[@]}" --out whole-$update --lanes 2
  expect 0 train shared.yaml "${sets[@]}" --out part-$update --lanes 2 --steps 23
  expect 0 train --resume part-$update --steps 40
  checks=$((checks + 1))
  cmp <(tail -c 20000 "$(last whole-$update)") <(tail -c 20000 "$(last part-$update)") || fail "$update: resuming changes bits"
  for name in q.codebook p.perplexity q.perplexity p.unused_for y.weight; do
    stands "$(last whole-$update)" "$(last part-$update)" $name $name
  done
done
says <(tensor "$(last whole-ema)" p.codebook) "no tensor p.codebook"

# Quantizers alone learn without an optimizer.
cat >alone.yaml <<'YAML'
version: 1
graph: alone
data: {type: gaussian, count: 400, features: 4}
nodes:
  x: {type: input, shape: [4]}
  q: {type: vector_quantizer, in: x, codes: 8, init: data}
losses: {fit: {type: squared_error, in: {x: q, target: x}}, c: {of: q.loss}}
train: {batch: 16, steps: 20, checkpoint_every: 10}
YAML
expect 0 train alone.yaml --out alone
moves alone/checkpoints/step-000010.safetensors "$(last alone)" q.codebook q.codebook
expect 65 validate alone.yaml --set nodes.q.frozen=true
says err "has nothing to train"

# A code cannot say that its vector was not finite: the step is skipped, the codebook stays, and a verb names the item.
cat >wide.yaml <<'YAML'
extends: alone.yaml
nodes:
  factor: {type: constant, value: 100, shape: [4]}
  wide: {type: multiply, in: [x, factor]}
  e: {type: activation, function: exp, in: wide}
  h: {type: linear, in: x, units: 4}
  q: {in: e}
losses: {fit: {in: {x: h, target: x}}}
train: {steps: 6, skip_limit: 100}
YAML
expect 1 train wide.yaml --out wide # the evaluation after the last step
says err "6 skipped" "E304" "'q' failed in forward" "x of item" "the training is kept up to step 6"
expect 0 train alone.yaml --steps 1 --out one
stands one/checkpoints/step-000001.safetensors "$(last wide)" q.cluster_size q.cluster_size
expect 1 train wide.yaml --set train.skip_limit=3 --out limited
says err "E304" "3 steps in a row" "'q' failed in forward at step 2: x of sample"
expect 1 encode wide --out codes.npz
says err "E304" "'q' failed in forward" "x of item"

# A loss over pairs: the last batch of one item is joined to the one before; a split of one item leaves the loss out.
cat >pairs.yaml <<'YAML'
version: 1
graph: pairs
data: {type: gaussian, count: 200, features: 4}
nodes:
  x: {type: input, shape: [4]}
  z: {type: linear, in: x, units: 2}
  p: {type: standard_normal, shape: [2]}
  y: {type: linear, in: z, units: 4}
losses:
  rec: {type: squared_error, in: {x: y, target: x}}
  mmd: {type: mmd, in: {x: z, y: p}}
train: {batch: 8, steps: 3}
YAML
expect 0 train pairs.yaml --out pairs
for limit in 1 2 9 17; do
  expect 0 eval pairs --limit $limit --batch 8 --json
  [ "$(json /samples)" = $limit ] || fail "$(json /samples) of $limit items count"
  [ $limit = 1 ] || has_json /terms/mmd
done
expect 0 eval pairs --limit 1 --batch 8
says err "leaves out mmd"

# A loss without a gradient is no loss: an error with both places, unless it is only reported.
cat >none.yaml <<'YAML'
version: 1
graph: none
nodes:
  x: {type: input, shape: [4]}
  h: {type: linear, in: x, units: 4}
  b: {type: bernoulli_sampler, in: h}
losses:
  rec: {type: squared_error, in: {x: h, target: x}}
  lost: {type: squared_error, in: {x: b, target: x}}
YAML
expect 65 validate none.yaml
says err "none.yaml:9" "E215" "the loss 'lost' trains nothing" "'b' has no gradient" "none.yaml:6"
expect 0 validate none.yaml --set losses.lost.weight=0
expect 0 validate none.yaml --set losses.lost.when=eval
expect 0 validate none.yaml --set 'nodes.b={type: stop_gradient, in: h}' # on purpose
says out "warning: the loss 'lost' trains nothing"
finish
