#!/usr/bin/env bash
# Formulas as a user meets them: a graph whose losses are formulas trains as one of nodes does, is resumed bit for bit, and
# takes other formulas while it runs; what is wrong with one is shown in the file and in the formula.
. "$(dirname "$0")/lib.sh"

cat >formula.yaml <<'YAML'
version: 1
graph: formula
vars: {beta: 0.5}
data: {type: gaussian, features: 8}
nodes:
  x:    {type: input, shape: [8]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: expr, in: {m: q.mu, v: q.logvar, noise: noise}, y: "m + exp(v / 2) * noise"}
  noise: {type: standard_normal, shape: [2]}
  mean: {type: linear, in: z, units: 8}
losses:
  reconstruction: {expr: "sum((m - target)^2) / 2 + 4 * log(2 * pi)", in: {m: mean, target: x}, role: likelihood}
  kl: {expr: "${beta} * sum(exp(v) + m^2 - 1 - v)", in: {m: q.mu, v: q.logvar}, role: divergence}
train: {batch: 32, steps: 300, checkpoint_every: 100}
YAML

# The resolved document holds nodes, and is itself a document.
expect 0 train formula.yaml --out whole --lanes 2 --shard 8
says whole/graph.yaml 'type: expr' 'sum((m - target)^2) / 2' '0.5 * sum(exp(v)'
expect 0 validate whole/graph.yaml
expect 0 eval whole --json
has_json /terms/reconstruction /terms/kl
reconstruction=$(json /terms/reconstruction)

# The same training with the nodes that the formulas stand for.
cat >nodes.yaml <<'YAML'
extends: formula.yaml
losses:
  reconstruction: {type: gaussian_nll, y: null, in: {m: null, mean: mean}}
  kl: {type: gaussian_kl, y: null, in: {m: null, v: null, mu: q.mu, logvar: q.logvar}}
YAML
expect 0 train nodes.yaml --out nodes --lanes 2 --shard 8
expect 0 eval nodes --json
other=$(json /terms/reconstruction)
holds "($reconstruction - $other)^2 < 1e-6 * $other^2"

# Stopped and resumed: the same bits, for any number of threads.
expect 0 train formula.yaml --out parts --lanes 2 --shard 8 --steps 100 --threads 1
expect 0 train --resume parts --steps 300 --threads 2
same whole/checkpoints/step-000300.safetensors parts/checkpoints/step-000300.safetensors

# A formula of the command line, and of a document that extends one with nodes.
expect 0 validate formula.yaml --set 'losses.kl.expr=sum(m^2)'
cat >again.yaml <<'YAML'
extends: nodes.yaml
losses: {kl: {expr: "sum(exp(logvar) + mu^2 - 1 - logvar) / 2"}}
YAML
expect 0 validate again.yaml

# Errors: the place in the file and in the formula.
expect 65 validate formula.yaml --set 'losses.kl.expr=sum(m^2'
says err E218 "this '(' is not closed" '    sum(m^2' '       ^'
sed 's/(m - target)/(m - y)/' formula.yaml >wrong.yaml
expect 65 validate wrong.yaml
says err 'wrong.yaml:12:26: error E218' "there is no input 'y'" '    sum((m - y)^2) / 2 + 4 * log(2 * pi)' '             ^'
sed 's/target: x}, role/target: q.mu}, role/' formula.yaml >shapes.yaml
expect 65 validate shapes.yaml
says err 'E207' "'-': the shapes [N, 8] and [N, 2] cannot be broadcast" '8 and 2 on axis -1'
sed 's/"sum((m - target)^2) \/ 2/"(m - target)^2/' formula.yaml >values.yaml
expect 65 validate values.yaml
says err E211 '[N, 8]'
sed 's/{expr: "sum((m/{type: expr, y: "1", expr: "sum((m/' formula.yaml >both.yaml
expect 65 validate both.yaml
says err E103 "has both 'expr' and 'y'"
sed 's/in: {m: mean, target: x}/in: mean/' formula.yaml >unnamed.yaml
expect 65 validate unnamed.yaml
says err E203 'its inputs have names'
cat >parts.yaml <<'YAML'
extends: formula.yaml
nodes: {extra: {type: expr, in: {a: x}, let: {s: "tanh(a)", t: "s + c"}, outputs: {y: "a * t", d: "sum(s, axis=7)"}}}
YAML
expect 65 validate parts.yaml
says err 'parts.yaml:2:64: error E218' "let.t: there is no input 'c'" '        ^'

# What it takes, from the declaration.
expect 0 inspect expr
says out 'logsumexp(x, axis=A, keep)' 'a map of names and formulas' 'any names'
expect 0 check expr --strict
"$GRAPH_RUNNER" version >version.txt
# Sanitizers replace malloc, so that their builds do not count.
if grep -q 'sanitizer none' version.txt; then says out 'no allocations in a call'; fi
expect 0 check expr --set 'y=sum(softplus(l) - x * l)' --shape l=4,30 --shape x=4,30 --strict

# While it trains: another formula is a hot swap, one that is wrong is refused and changes nothing.
"$GRAPH_RUNNER" train formula.yaml --out live --watch --set train.checkpoint_every=0 --steps 100000000 --log-every 1000 >live.out 2>live.err &
training=$!
wait_for step 1
sed -i 's/sum((m - target)^2) \/ 2/sum(abs(m - target))/' formula.yaml
wait_for swaps 1
sed -i 's/sum(abs(m - target))/sum(abs(m - target)/' formula.yaml
wait_for refused 1
says live.err E218 "is not closed"
sed -i 's/sum(abs(m - target)/sum(sqrt(1 + (m - target)^2) - 1)/' formula.yaml
wait_for swaps 2
expect 0 ctl live set 'losses.kl.expr=sum(v^2 + m^2)'
wait_for swaps 3
expect 0 ctl live stop
wait $training || fail "the training that was stopped did not end with 0"
says live/graph.yaml 'sqrt(1 + (m - target)^2)' 'sum(v^2 + m^2)'

# A likelihood whose data are under another name than `target` is valid, and nothing is said of how it draws.
cat >named.yaml <<'YAML'
version: 1
nodes:
  x: {type: input, shape: [6]}
  q: {type: gaussian_parameters, in: x, dim: 2}
  z: {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  m: {type: linear, in: z, units: 6}
losses:
  likelihood: {expr: "sum((m - y)^2) / 2", in: {m: m, y: x}, role: likelihood}
  kl:         {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
generate: {sample: {show: m}}
YAML
expect 0 validate named.yaml
# A VAE of formulas alone, whose sizes follow from the data: its latent variable is found, and sizes
# change with what they follow from.
cat >vae.yaml <<'YAML'
version: 1
vars: {width: "${2 * shape(x, 1)}"}
data: {type: gaussian, features: 8, limit: 300}
nodes:
  x:      {type: input, shape: [8]}
  hidden: {type: linear, in: x, units: "${width}", activation: relu}
  mu:     {type: linear, in: hidden, units: 2}
  logvar: {type: linear, in: hidden, units: "${shape(mu, -1)}"}
  noise:  {type: normal, in: {like: mu}}
  z:      {type: expr, in: {mu: mu, logvar: logvar, e: noise}, y: "mu + exp(logvar / 2) * e", role: sampler}
  inner:  {type: linear, in: z, units: "${shape(hidden, 1) / 2}", activation: relu}
  mean:   {type: linear, in: inner, units: "${shape(x, 1)}"}
losses:
  rec: {expr: "sum((m - target)^2) / 2 + ${shape(x, 1)} * log(2 * pi) / 2", in: {m: mean, target: x}, role: likelihood, mean: mean}
  kl:  {expr: "sum(exp(logvar) + mu^2 - 1 - logvar) / 2", in: {mu: mu, logvar: logvar}, role: divergence, drawn: noise}
train: {batch: 32, steps: 60}
YAML
expect 0 train vae.yaml --out vae --lanes 2 --shard 8
says vae/graph.yaml 'units: "${shape(hidden, 1) / 2}"' '${shape(x, 1)} * log'
expect 0 train vae.yaml --out part --lanes 2 --shard 8 --steps 30
expect 0 train --resume part --steps 60
same vae/checkpoints/step-000060.safetensors part/checkpoints/step-000060.safetensors
expect 0 eval vae --json
has_json /negative_elbo /latents/kl/active_units
expect 0 encode vae --count 3 --out codes.npy
says out 'mu: 3 items of [2]'
for verb in sample traverse interpolate; do expect 0 $verb vae --out $verb.npy; done
expect 1 train --resume vae --steps 70 --set nodes.hidden.units=12
says err 'inner.weight' 'got:      [6, 2]' 'expected: [8, 2]'
expect 0 train --resume vae --steps 70 --set nodes.hidden.units=12 --set 'train.reinitialise=["*"]'

finish
