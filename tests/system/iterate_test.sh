#!/usr/bin/env bash
# Samplers that iterate, as a user meets them: a flow-matching prior and a diffusion prior of small data train and draw samples
# like the data; options of the command line take the place of keys; what cannot be is refused.
. "$(dirname "$0")/lib.sh"

cat >flow.yaml <<'YAML'
version: 1
graph: flow
doc: Flow matching in two dimensions.
data: {type: gaussian, features: 2, eigenvalues: [4, 0.25], count: 20000}
nodes:
  x:       {type: input, shape: [2]}
  t:       {type: uniform, shape: [1]}
  noise:   {type: normal, in: {like: x}}
  x_t:     {type: expr, in: {x: x, e: noise, t: t}, y: "(1 - t) * x + t * e"}
  joined:  {type: concat, in: [x_t, t]}
  hidden1: {type: linear, in: joined, units: 64, activation: silu}
  hidden2: {type: linear, in: hidden1, units: 64, activation: silu}
  network: {type: linear, in: hidden2, units: 2}
  shown:   {type: activation, in: x, function: identity}
losses:
  flow: {expr: "sum((v - (e - x))^2)", in: {v: network, e: noise, x: x}}
train: {batch: 256, steps: 1500, average: 0.99, optimizer: {type: adam, lr: 3.0e-3}}
generate:
  sample: {iterate: {state: x_t, time: t, by: network, into: x, solver: heun, steps: 20}, show: shown}
  data:   {show: shown}
  euler:  {iterate: {state: x_t, time: t, by: network, into: x, steps: 200}, show: x}
YAML
cat >diffusion.yaml <<'YAML'
extends: flow.yaml
graph: diffusion
nodes:
  level: {type: expr, in: {t: t}, outputs: {alpha: "cos(t * pi / 2)", sigma: "sin(t * pi / 2)"}}
  x_t:   {in: {t: null, a: level.alpha, b: level.sigma}, y: "a * x + b * e"}
losses:
  flow: {expr: "sum((p - (a * e - b * x))^2)", in: {v: null, p: network, a: level.alpha, b: level.sigma}}
generate:
  sample: {iterate: {predicts: v, schedule: cosine, solver: ddim, steps: 100}}
  euler:  null
YAML

# near A B LEAST MOST: the variances of B's two columns and their covariance, as parts of those of A.
near() {
  checks=$((checks + 1))
  awk -F, -v least="$3" -v most="$4" '
    FNR == 1 { file++; next }
    { n[file]++; a[file] += $1; b[file] += $2; aa[file] += $1 * $1; bb[file] += $2 * $2; ab[file] += $1 * $2 }
    END {
      for (f = 1; f <= 2; ++f) {
        va[f] = aa[f] / n[f] - (a[f] / n[f])^2; vb[f] = bb[f] / n[f] - (b[f] / n[f])^2
        c[f] = (ab[f] / n[f] - a[f] / n[f] * b[f] / n[f]) / sqrt(va[f] * vb[f])
      }
      good = va[2] / va[1] > least && va[2] / va[1] < most && vb[2] / vb[1] > least && vb[2] / vb[1] < most
      gap = c[2] - c[1]
      if (!good || gap > 0.06 || gap < -0.06) { print "variances", va[2] / va[1], vb[2] / vb[1], "correlations", c[1], c[2]; exit 1 }
    }' "$1" "$2" || fail "the moments of $2 are not those of $1"
}

expect 0 validate flow.yaml
expect 0 train flow.yaml --out flow --quiet
expect 0 reconstruct flow --name data --count 2000 --out data.csv
expect 0 sample flow --count 4000 --out samples.csv
near data.csv samples.csv 0.85 1.15
expect 0 sample flow --name euler --count 4000 --out euler.csv
near data.csv euler.csv 0.85 1.15
expect 0 train diffusion.yaml --out diffusion --quiet
for solver in ddim ddpm heun; do
  expect 0 sample diffusion --count 4000 --solver $solver --out $solver.csv
  near data.csv $solver.csv 0.78 1.2 # a hundred steps of ddpm vary too little
done

# The resolved document is a document, and keeps what it says.
says diffusion/graph.yaml 'iterate:' 'predicts: v' 'solver: ddim' 'state: x_t'
expect 0 validate diffusion/graph.yaml

# The same bits for any number of threads; other steps and solvers give others.
expect 0 sample flow --count 130 --out one.npy --threads 1
expect 0 sample flow --count 130 --out two.npy --threads 2
same one.npy two.npy
expect 0 sample flow --count 130 --out steps.npy --steps 7
differ one.npy steps.npy
expect 0 sample flow --count 130 --out solver.npy --solver midpoint
differ one.npy solver.npy
expect 0 sample flow --count 130 --out seed.npy --seed 2
differ one.npy seed.npy

# Refused, with the reason.
expect 65 sample flow --count 3 --out no.npy --guidance 2
says err 'guidance needs what the network gives without its condition' 'unconditional: NODE'
expect 65 sample flow --count 3 --out no.npy --solver langevin
says err 'no step_size'
expect 2 sample flow --count 3 --out no.npy --steps 0
expect 2 sample flow --count 3 --out no.npy --solver rk4
expect 2 reconstruct flow --name data --count 3 --out no.npy --steps 4
says err 'generate.data does not iterate'
cat >both.yaml <<'YAML'
extends: flow.yaml
generate:
  fed:   {feed: x, iterate: {state: x_t, time: t, by: network, into: x}, show: shown}
  drawn: {draw: {x: {type: standard_normal}}, iterate: {state: x_t, time: t, by: network, into: x}, show: shown}
YAML
expect 65 validate both.yaml
says err "generate.fed both feeds and iterates 'x'" "generate.drawn both draws and iterates 'x'" 'E204'
[ ! -e no.npy ] || fail "a refused verb wrote a file"
finish
