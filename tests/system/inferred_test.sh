#!/usr/bin/env bash
# Models without a section `generate`, as a user meets them: a run has samples and reconstructions, the verbs work and share
# their flags, pictures have the shape of the data, and what does not follow is refused with its reason.
. "$(dirname "$0")/lib.sh"

# Pictures of 6x10 that the model sees as rows of 60.
cat >flat.yaml <<'YAML'
version: 1
graph: flat
data: {type: npy, path: pictures.npy}
nodes:
  x:      {type: input, shape: [60]}
  h:      {type: linear, in: x, units: 16, activation: relu}
  q:      {type: gaussian_parameters, in: h, dim: 3}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  g:      {type: linear, in: z, units: 16, activation: relu}
  logits: {type: linear, in: g, units: 60}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: x}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 20, steps: 30}
YAML
# An array of 100 pictures [6, 10, 1] of bytes.
{
  printf '\223NUMPY\1\0\166\0'
  printf "%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': (100, 6, 10, 1), }"
  seq 1 9999 | head -c 6000
} >pictures.npy
expect 0 validate flat.yaml
expect 0 train flat.yaml --out flat --json
is_png flat/samples.png
is_png flat/reconstructions.png
exists flat/report.html

# width FILE: of a PNG, in pixels.
width() { od -An -tu1 -j16 -N4 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
expect 0 sample flat --count 1 --out one.png
holds "$(width one.png) % 10 == 4"  # a picture of 10 columns, enlarged by a whole factor, between two gaps
expect 0 reconstruct flat --count 1 --out one.png
holds "$(width one.png) % 10 == 4"

# The same flags for every verb that draws.
for verb in sample reconstruct decode traverse interpolate; do
  expect 0 "$verb" --help
  says out "--temperature" "--top-k" "--top-p" "--class" "--seed" "--likelihood"
done
expect 0 encode flat --out codes.npy
expect 0 decode flat --codes codes.npy --count 4 --likelihood draw --seed 3 --out drawn.npy
expect 0 decode flat --codes codes.npy --count 4 --likelihood draw --seed 3 --out again.npy
same drawn.npy again.npy
expect 0 decode flat --codes codes.npy --count 4 --likelihood draw --seed 4 --out other.npy
differ drawn.npy other.npy
expect 0 decode flat --codes codes.npy --count 4 --out mean.npy
expect 0 decode flat --codes codes.npy --count 4 --likelihood mean --seed 9 --out other.npy
same mean.npy other.npy
differ mean.npy drawn.npy
expect 0 reconstruct flat --count 4 --likelihood draw --out r.npy
expect 0 traverse flat --likelihood draw --steps 3 --out t.npy
expect 0 interpolate flat --likelihood draw --pairs 2 --out i.npy
expect 2 sample flat --likelihood mode --out s.npy
expect 2 sample flat --class 3 --out s.npy
says err "has the option 'class'"
expect 2 sample flat --name sampel --out s.npy
says err "did you mean 'sample'"

# A hierarchy: encode and decode understand each other.
cat >levels.yaml <<'YAML'
extends: flat.yaml
nodes:
  q2: {type: gaussian_parameters, in: z, dim: 2}
  z2: {type: gaussian_sampler, in: {mu: q2.mu, logvar: q2.logvar}}
  p:  {type: gaussian_parameters, in: z2, dim: 3}
  g:  {in: z}
losses:
  kl:  {type: gaussian_kl_between, in: {prior_mu: p.mu, prior_logvar: p.logvar}}
  kl2: {type: gaussian_kl, in: {mu: q2.mu, logvar: q2.logvar}}
YAML
expect 0 train levels.yaml --out levels --json
is_png levels/samples.png
expect 0 encode levels --count 5 --out levels.npz
expect 0 decode levels --codes levels.npz --out levels.npy

# Without a prior.
expect 0 train flat.yaml --set losses.kl=null --out open
says err "no samples: " "no loss says from which prior 'z' is drawn"
expect 2 sample open --out s.npy
says err "write generate: {sample: {draw: {z: {type: standard_normal}}, show:"
is_png open/reconstructions.png
expect 0 inspect bernoulli_nll
says out "drawn by: bernoulli_sampler of logits" "mean: activation {function: sigmoid} of logits"
expect 0 inspect gaussian_kl
says out "prior drawn by: standard_normal"

# A model of one column given another has nothing to sample by itself, and says what it is given.
cat >given.yaml <<'YAML'
version: 1
graph: given
data: {type: sprites, size: 8, count: 60}
nodes:
  x:      {type: input, shape: [8, 8, 1]}
  factors: {type: input, shape: [5], dtype: i32}
  column: {type: slice, in: factors, start: 0, stop: 1}
  kind:   {type: reshape, in: column, shape: []}
  row:    {type: flatten, in: x}
  logits: {type: linear, in: row, units: 3}
losses: {class: {type: categorical_nll, in: {logits: logits, target: kind}}}
train: {batch: 20, steps: 2, eval_every: 0}
YAML
expect 0 train given.yaml --out given
says err "'kind' is drawn given 'x', which nothing draws" "graph-runner reconstruct draws it"
if grep -q "generate/sample" err; then fail "the name of a node that no document has"; fi
finish
