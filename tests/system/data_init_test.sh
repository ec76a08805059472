#!/usr/bin/env bash
# Initial values that follow from the first batch: every layer's output has mean 0 and variance 1 in each channel, which the
# mean square over that batch, the loss of the first step, tells. It is done once, and the same for any threads and shards.
. "$(dirname "$0")/lib.sh"

# net OPTIONS: a deep net whose values grow from layer to layer, with a layer of each kind behind it.
net() {
  cat <<END
version: 1
data: {type: sprites, size: 16, count: 200}
nodes:
  x:     {type: input, shape: [16, 16, 1]}
  deep:  {type: conv, in: x, filters: 8, kernel: 3, padding: 1, activation: relu}
  more:  {type: conv, in: deep, filters: 8, kernel: 3, padding: 1, activation: relu, repeat: 12, init: {weight: $1}}
  up:    {type: conv_transpose, in: more, filters: 6, kernel: 2, stride: 2}
  seen:  {type: masked_conv, in: more, filters: 6, kernel: 3}
  flat:  {type: flatten, in: more}
  y:     {type: linear, in: flat, units: 12, bias: false}
  tanh:  {type: linear, in: flat, units: 12, activation: tanh}
  q:     {type: gaussian_parameters, in: flat, dim: 5}
  wide:  {type: linear, in: flat, units: 12, init: {weight: {type: data, scale: 3}}}
  zero:  {type: linear, in: flat, units: 12, init: {weight: zeros, bias: 2}}
losses:
  up:     {expr: "mean(v^2)", in: {v: up}}
  seen:   {expr: "mean(v^2)", in: {v: seen}}
  mu:     {expr: "mean(v^2)", in: {v: q.mu}}
  logvar: {expr: "mean(v^2)", in: {v: q.logvar}}
  wide:   {expr: "mean(v^2)", in: {v: wide}}
  zero:   {expr: "mean(v^2)", in: {v: zero}}
  y:      {expr: "mean(v^2)", in: {v: y}}
  tanh:   {expr: "mean(v^2)", in: {v: tanh}}
train: {batch: 32, steps: 3, optimizer: {type: sgd, lr: 1.0e-6}, eval_limit: 32, $2}
END
}

# first RUN LOSS: of the first step.
first() {
  expect 0 metrics "$1" --name "$2" --csv
  awk -F, '$2 == "train" && $3 == 1 { print $4; exit }' out
}
# is RUN LOSS VALUE
is() {
  local got
  got=$(first "$1" "$2")
  checks=$((checks + 1))
  awk -v got="$got" -v value="$3" 'BEGIN { exit !(got != "" && (got - value) ^ 2 < (1e-3 * value) ^ 2) }' ||
    fail "$1: $2 is '$got' in the first step, not $3"
}

net data 'data_init: ["*", "!seen"]' >net.yaml
expect 0 train net.yaml --threads 1 --out run --quiet
for loss in up mu logvar; do is run $loss 1; done
is run wide 9
is run zero 4
net default 'data_init: "*"' >all.yaml
expect 0 train all.yaml --threads 1 --out all --quiet
is all seen 1
net '{type: default, scale: 6}' 'data_init: null' >none.yaml
expect 0 train none.yaml --threads 1 --out none --quiet
awk -v got="$(first none up)" 'BEGIN { exit !(got > 1e4 || got == "nan") }' || fail "the net does not grow by itself"

# Once, with the same bits for any threads and shards; a resumed job goes on from its weights.
expect 0 train net.yaml --threads 2 --out two --quiet
expect 0 metrics run --csv
cp out one.csv
expect 0 metrics two --csv
cmp -s out one.csv || fail "two threads give other bits than one"
expect 0 train net.yaml --threads 1 --shard 1 --steps 1 --out single --quiet
for loss in up mu logvar; do is single $loss 1; done
expect 0 train net.yaml --threads 1 --steps 1 --out half --quiet
expect 0 train --resume half --steps 3 --quiet
expect 0 metrics half --name up --csv
grep ,train, out >resumed.csv
grep '^up,train,' one.csv | cmp -s - resumed.csv || fail "a resumed job has other values: $(cat resumed.csv)"
checks=$((checks + 3))

# A layer whose output is constant stays as it is, which is said; it is not among those that are initialised.
cat >still.yaml <<'END'
version: 1
data: {type: gaussian, features: 3, count: 100}
nodes:
  x:    {type: input, shape: [3]}
  none: {type: constant, shape: [3], value: 1}
  flat: {type: linear, in: none, units: 2}
  live: {type: linear, in: x, units: 3}
losses:
  a: {expr: "mean(v^2)", in: {v: flat}}
  b: {type: squared_error, in: {x: live, target: x}}
train: {batch: 50, steps: 1, optimizer: {type: sgd, lr: 0}, data_init: "*"}
END
expect 0 train still.yaml --threads 1 --out still
says err 'not initialised by the first batch, whose values leave the output constant: flat' 'initialised 1 node by the first batch: live'
expect 0 train still.yaml --threads 1 --out plain --set train.data_init=null
checks=$((checks + 1))
[ "$(first still a)" = "$(first plain a)" ] || fail "a layer with a constant output has been changed"

# What cannot follow from the data is said.
sed 's/type: flatten, in: more/type: layer_norm, in: more, init: {weight: data}/' net.yaml >wrong.yaml
expect 2 validate wrong.yaml
grep -q "E702.*does not scale the outputs" err || fail "a weight that scales nothing: $(cat err)"
for pattern in nope '"*.bias"' '"!nope"'; do
  net data "data_init: [seen, $pattern]" >unmatched.yaml
  expect 65 validate unmatched.yaml
  says err E214 'matches no weight that the first batch could scale'
done
finish
