#!/usr/bin/env bash
# What figures mean, as a user sees it: bounds and what keeps losses from being one, the best step, latents without a
# closed divergence, losses of a run, trainings that applied no step.
. "$(dirname "$0")/lib.sh"
cat >base.yaml <<'YAML'
version: 1
graph: base
data: {type: gaussian, features: 6, count: 400}
nodes:
  x:    {type: input, shape: [6]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 6}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 50, steps: 60, eval_every: 10}
generate:
  sample: {draw: {z: {type: standard_normal}}, show: mean}
  reconstruct: {show: mean}
YAML
expect 0 validate base.yaml

# The best step, and the weights of the losses.
expect 0 train base.yaml --set 'losses.kl.weight={from: 0, to: 3, over: 40}' --out warm --json
holds "$(json /best/step) > 40"
[ "$(json /best/of)" = objective ] || fail "best of $(json /best/of)"
expect 0 train base.yaml --set train.monitor=distortion --out named --json
[ "$(json /best/of)" = distortion ] || fail "best of $(json /best/of)"
expect 65 validate base.yaml --set train.monitor=distorsion
says err "did you mean 'distortion'"
expect 0 encode warm --port x --out x.npy
expect 0 run warm --feed x=x.npy --loss --json --newest
holds "$(json /weights/kl) == 3"
expect 0 run warm --feed x=x.npy --loss --json --step 0
holds "$(json /weights/kl) == 0"
expect 0 eval warm
says out ", step "

# One bound, the same with draws of the likelihood.
expect 0 eval named --json
elbo=$(json /negative_elbo)
holds "(d = $elbo - $(json /rate) - $(json /distortion)) < 1e-9 && d > -1e-9"
expect 0 eval named --json --nll-samples 7
[ "$(json /negative_elbo)" = "$elbo" ] || fail "the ELBO with draws is $(json /negative_elbo), without $elbo"
holds "$(json /nll) <= $elbo"
expect 0 eval named
if grep -q "PSNR" out; then fail "PSNR of rows of numbers"; fi

# Without a divergence there is no bound, and no draws of one.
expect 0 train base.yaml --set losses.kl=null --out open
expect 0 eval open
says out "reconstruction" "no loss is the divergence of 'z'" "role: divergence"
if grep -qE "ELBO|rate |distortion" out; then fail "an ELBO without a divergence"; fi
expect 2 eval open --nll-samples 3
says err "no loss is the divergence of 'z'"

# A divergence by densities: the latent variable is what the sampler draws.
cat >mixture.yaml <<'YAML'
extends: base.yaml
graph: mixture
nodes:
  prior:     {type: mixture_prior, in: z, components: 3}
  posterior: {type: gaussian_log_density, in: {mu: q.mu, logvar: q.logvar, value: z}}
losses:
  kl: {type: monte_carlo_kl, in: {posterior_log_density: posterior, prior_log_density: prior.log_density, mu: null, logvar: null}}
YAML
expect 0 train mixture.yaml --out mixture
expect 0 encode mixture --out codes.npy
expect 0 decode mixture --codes codes.npy --out decoded.csv
expect 0 eval mixture --json
has_json /negative_elbo /latents/z/active_units

# A deterministic autoencoder has a code, and no bound.
cat >ae.yaml <<'YAML'
extends: base.yaml
graph: ae
nodes:
  q: null
  z: {type: linear, in: x, units: 2}
losses: {kl: null, reconstruction: {in: {mean: mean}}}
generate: {sample: null}
YAML
expect 0 train ae.yaml --out ae
expect 0 eval ae
says out "autoencoder"
expect 0 encode ae --out code.npy
expect 0 run ae --feed x=x.npy --fetch z=z.csv
checks=$((checks + 1))
[ "$(wc -l <z.csv)" -gt 10 ] || fail "z.csv has $(wc -l <z.csv) lines"
expect 2 run ae --feed x=x.npy --fetch z=z.jpg
says err "--fetch is a .png, .npy or .csv file"

# A loss without parameters has a value.
cat >fixed.yaml <<'YAML'
version: 1
graph: fixed
nodes:
  x: {type: input, shape: [6]}
  y: {type: input, shape: [6]}
losses: {error: {type: squared_error, in: {x: x, target: y}}}
YAML
expect 0 run fixed.yaml --feed x=x.npy --feed y=x.npy --loss
says out "error"

# No step could be applied: a failure with its reason, and a whole run.
cat >large.yaml <<'YAML'
version: 1
graph: large
nodes:
  x: {type: input, shape: [6]}
  much: {type: constant, value: 1.0e30, shape: [6]}
  y: {type: multiply, in: [x, much]}
YAML
expect 0 run large.yaml --feed x=x.npy --fetch y=huge.npy
expect 1 train base.yaml --set data.type=npy --set data.features=null --set data.count=null --set data.path=huge.npy --steps 3 --set train.batch=4 --out huge --json
[ "$(json /completed)" = false ] || fail "completed: $(json /completed)"
says out "no step was applied"
says err "E304"

# Edited by hand.
sed -i 's/units: 6/units: 6, bias: true/' named/graph.yaml
expect 0 eval named
says err "has changed since"
finish
