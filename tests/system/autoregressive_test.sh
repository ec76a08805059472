#!/usr/bin/env bash
# Samples of an autoregressive decoder: what is fed back is what is drawn, the same seed gives the same bits, and the
# positions have the joint distribution that the weights describe.
. "$(dirname "$0")/lib.sh"

# A chain of bits: each is drawn from the one before alone. `fed` shows the input that the sampler filled.
cat >chain.yaml <<'YAML'
version: 1
graph: chain
doc: A chain of bits, each drawn from the one before.
nodes:
  x:      {type: input, shape: [64, 1]}
  before: {type: shift, in: x, axis: 1, by: 1}
  logits: {type: linear, in: before, units: 1}
  drawn:  {type: bernoulli_sampler, in: logits}
  same:   {type: activation, in: x, function: identity}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: x}}
train: {batch: 4, steps: 10}
generate:
  sample: {autoregressive: {input: x, from: drawn}, show: drawn}
  fed:    {autoregressive: {input: x, from: drawn}, show: same}
  free:   {draw: {x: {type: constant, value: 0, shape: [64, 1]}}, show: drawn}
YAML
expect 0 validate chain.yaml
expect 0 sample chain.yaml --out drawn.npy --count 200 --seed 5
expect 0 sample chain.yaml --name fed --out fed.npy --count 200 --seed 5
same drawn.npy fed.npy # the last pass draws what was fed back, so no position depends on itself or on later ones
expect 0 sample chain.yaml --out again.npy --count 200 --seed 5 --threads 1
same drawn.npy again.npy
expect 0 sample chain.yaml --out other.npy --count 200 --seed 6
differ drawn.npy other.npy
expect 0 sample chain.yaml --name free --out free.npy --count 200 --seed 5
differ drawn.npy free.npy # without feeding back there is no chain

# Two inputs, one after the other: a latent sequence with a prior of its own, then the bits.
cat >latent.yaml <<'YAML'
extends: chain.yaml
graph: latent
nodes:
  z:          {type: linear, in: x, units: 3}
  z_before:   {type: shift, in: z, axis: 1, by: 1}
  prior:      {type: gaussian_parameters, in: z_before, dim: 3}
  prior_z:    {type: gaussian_sampler, in: {mu: prior.mu, logvar: prior.logvar}}
  both:       {type: concat, in: [before, z]}
  logits:     {in: both}
  shown_z:    {type: activation, in: z, function: identity}
generate:
  sample: {autoregressive: [{input: z, from: prior_z}, {input: x, from: drawn}]}
  z:      {autoregressive: [{input: z, from: prior_z}, {input: x, from: drawn}], show: shown_z}
  next:   {autoregressive: [{input: z, from: prior_z}, {input: x, from: drawn}], show: prior_z}
YAML
expect 0 sample latent.yaml --out both.npy --count 70 --seed 5
expect 0 sample latent.yaml --name z --out z.npy --count 70 --seed 5
expect 0 sample latent.yaml --name next --out next.npy --count 70 --seed 5
same z.npy next.npy
differ both.npy drawn.npy

# One position at a time, or the whole graph for each: the same bits, whatever the threads.
expect 0 sample chain.yaml --out drawn.npy --count 200 --seed 5
grep -q "run of the whole graph" err && fail "it was drawn the long way"
expect 0 sample chain.yaml --out whole.npy --count 200 --seed 5 --whole
same drawn.npy whole.npy

# A node that is neither causal nor computed at each position alone stands in the way, and is named.
cat >mixed.yaml <<'YAML'
extends: chain.yaml
graph: mixed
nodes:
  turned: {type: flip, in: before, axis: 1}
  back:   {type: flip, in: turned, axis: 1}
  logits: {in: back}
YAML
expect 0 sample mixed.yaml --out mixed.npy --count 200 --seed 5
says err "needs a run of the whole graph"
says err "'turned' (flip) is neither causal nor pointwise"
same drawn.npy mixed.npy

# A shape that the next node takes back leaves the positions where they were.
cat >flat.yaml <<'YAML'
extends: chain.yaml
graph: flat
nodes:
  flat:   {type: flatten, in: before}
  square: {type: reshape, in: flat, shape: [64, 1]}
  logits: {in: square}
YAML
expect 0 sample flat.yaml --out flat.npy --count 200 --seed 5
grep -q "run of the whole graph" err && fail "two shapes stood in the way"
same drawn.npy flat.npy

# Under another shape the drawn map has other positions.
cat >halves.yaml <<'YAML'
extends: chain.yaml
graph: halves
nodes:
  halves: {type: reshape, in: before, shape: [32, 2]}
  plain:  {type: activation, in: halves, function: identity}
  square: {type: reshape, in: plain, shape: [64, 1]}
  logits: {in: square}
YAML
expect 0 sample halves.yaml --out halves.npy --count 200 --seed 5
says err "'plain' (activation) reads the drawn map with another shape"
same drawn.npy halves.npy

# Without channels the last axis is that of the positions: a node that works along it sees them all.
cat >flat.yaml <<'YAML'
version: 1
graph: flat
nodes:
  x:      {type: input, shape: [16]}
  before: {type: shift, in: x, axis: 1, by: 1}
  share:  {type: softmax, in: before}
  drawn:  {type: bernoulli_sampler, in: share}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: share, target: x}}
generate:
  sample: {autoregressive: {input: x, from: drawn}, show: drawn}
YAML
expect 0 sample flat.yaml --out flat.npy --count 5 --seed 5
says err "'share' (softmax) works along the last axis, which contains the drawn positions"

# A reconstruction that is drawn: what the encoder makes of the data is told at each position.
cat >told.yaml <<'YAML'
extends: chain.yaml
graph: told
nodes:
  x:      {shape: [64]}
  given:  {type: reshape, in: x, shape: [64, 1]}
  level:  {type: activation, in: given, function: sigmoid}
  before: {in: level}
  hint:   {type: linear, in: given, units: 1}
  sum:    {type: add, in: [before, hint]}
  logits: {in: sum}
  same:   null
losses: {reconstruction: {in: {target: level}}}
generate:
  sample: null
  fed:    null
  free:   null
  reconstruct: {autoregressive: {input: level, from: drawn}, show: drawn}
YAML
expect 0 reconstruct told.yaml --data gaussian:features=64 --count 20 --seed 5 --out told.npy
expect 0 reconstruct told.yaml --data gaussian:features=64 --count 20 --seed 6 --out other.npy
differ told.npy other.npy

# A gated PixelCNN with attention, and a WaveNet that is told a class: the codes of one position at a time are those of
# the whole graph run for each.
cat >pixels.yaml <<YAML
extends: $repository/tests/bench/graphs/pixelcnn-prior-32.yaml
graph: pixels
vars: {codes: 16, channels: 16, size: 8, heads: 2}
YAML
cat >waves.yaml <<YAML
version: 1
graph: waves
nodes:
  x:     {type: input, shape: [64], dtype: i32}
  label: {type: input, shape: [], dtype: i32}
  told:  {type: embedding, in: label, count: 6, dim: 4}
  codes: {type: constant, value: 0.3, shape: [8, 4]}
  waves:
    use: $repository/graphs/blocks/wavenet.yaml
    in: {codes: x, condition: codes, global: told}
    vars: {levels: 16, channels: 8, skip: 8, stacks: 2, depth: 3}
  drawn: {type: categorical_sampler, in: waves}
losses:
  likelihood: {type: categorical_nll, in: {logits: waves, target: x}}
generate:
  sample: {draw: {label: {type: categorical_prior, classes: 6}}, autoregressive: {input: x, from: drawn}, show: drawn}
YAML
for graph in pixels waves; do
  expect 0 sample $graph.yaml --count 5 --seed 3 --out $graph.npy
  grep -q "run of the whole graph" err && fail "$graph was drawn the long way"
  expect 0 sample $graph.yaml --count 5 --seed 3 --out $graph-whole.npy --whole
  same $graph.npy $graph-whole.npy
  expect 0 sample $graph.yaml --count 5 --seed 3 --out $graph-one.npy --threads 1
  same $graph.npy $graph-one.npy
  expect 0 sample $graph.yaml --count 5 --seed 3 --out $graph-likely.npy --temperature 0
  differ $graph.npy $graph-likely.npy
  expect 0 sample $graph.yaml --count 5 --seed 3 --out $graph-top.npy --top-k 1
  same $graph-top.npy $graph-likely.npy
done
expect 0 sample waves.yaml --count 5 --seed 3 --out class.npy --class 2 --top-p 0.9
expect 2 sample chain.yaml --count 5 --out no.npy --temperature 0.5
says err "no node of generate.sample has the option 'temperature'"

# The distribution: each bit repeats the one before with probability sigmoid(4) = 0.982, the first one 0. Of 12,800 bits
# 1.8 % differ from the one before, with a standard deviation of 0.12 %.
cat >sticky.yaml <<'YAML'
extends: chain.yaml
nodes:
  eight:  {type: constant, value: 8, shape: [64, 1]}
  four:   {type: constant, value: -4, shape: [64, 1]}
  steep:  {type: multiply, in: [before, eight]}
  logits: {type: add, in: [steep, four], units: null}
YAML
expect 0 sample sticky.yaml --out sticky.npy --count 200 --seed 5
changes=$(tail -c $((200 * 64 * 4)) sticky.npy | od -An -v -w256 -tf4 | awk '
  { before = 0; for (i = 1; i <= NF; ++i) { changes += $i != before; before = $i } } END { print changes / NR / 64 }')
echo "share of changes: $changes, expected 0.018"
holds "$changes > 0.013"
holds "$changes < 0.023"
finish
