#!/usr/bin/env bash
# graphs/vae.yaml, changed again and again while it trains: a weight, a plugin and its formula, the divergence, the prior,
# the activations; back again.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/hot_swap_lib.sh"
cp -r "$repository/graphs" graphs
graph=graphs/vae.yaml

"$GRAPH_RUNNER" train "$graph" --out run --watch --steps 1000000 --set train.eval_every=0 --set train.checkpoint_every=0 \
  --set train.eval_limit=64 --log-every 1000 >run.out 2>run.err &
training=$!
taken=0

# swapped: waits until one more change has been taken, and for two steps more.
swapped() {
  local tries=0 step
  taken=$((taken + 1))
  until expect 0 ctl run status --json && [ "$(json /swaps)" -ge $taken ]; do
    sleep 0.2
    tries=$((tries + 1))
    if [ $tries -gt 600 ] || ! kill -0 $training 2>/dev/null; then
      fail "change $taken is not taken"
      cat run.err
      finish
    fi
  done
  step=$(json /step)
  json /pause_ms >>pauses
  json /delay_ms >>delays
  sleep 0.3
  expect 0 ctl run status --json
  holds "$(json /step) > $step"
  holds "$(json /refused) == 0"
}
until [ -S run/control.sock ]; do sleep 0.05; done

sed -i 's/weight: {from: 0, to: 1, over: 500}/weight: 4/' "$graph"
swapped
cp "$graph" gaussian.yaml
sed -i 's/^losses:/losses:\n  narrow: {type: zoo_loss, in: {x: q.mu, target: z}, weight: 0.1}/; s/^version: 1/version: 1\nplugins: [zoo]/' "$graph"
swapped
behave other-formula
swapped
sed -i 's/  kl: .*/  kl: {type: mmd, in: {x: z, y: noise}, weight: 100}/; s/^losses:/  noise: {type: standard_normal, shape: ["${latent}"]}\nlosses:/' "$graph"
swapped
cp gaussian.yaml "$graph"
sed -i 's/  kl: .*/  kl: {type: monte_carlo_kl, in: {posterior_log_density: density, prior_log_density: prior.log_density}}/; s/^losses:/  prior: {type: mixture_prior, in: z, components: 8}\n  density: {type: gaussian_log_density, in: {value: z, mu: q.mu, logvar: q.logvar}}\nlosses:/' "$graph"
swapped
expect 0 ctl run checkpoint
says run/graph.yaml mixture_prior
sed -i 's/activation: relu/activation: silu/' graphs/blocks/conv-encoder.yaml graphs/blocks/conv-decoder.yaml
swapped
cp "$repository/graphs/vae.yaml" "$graph"
cp "$repository"/graphs/blocks/conv-*coder.yaml graphs/blocks
swapped
says run.err "narrow (zoo_loss) is new" "library libzoo.so" "kl is mmd instead of gaussian_kl" "prior (mixture_prior) is new" "activation is silu instead of relu"
expect 0 ctl run reload
swapped
expect 0 ctl run stop --json
wait $training
echo "the longest pause between two steps: $(sort -g pauses | tail -n 1) ms"
echo "the longest time from a passed probation to the step boundary where the change was taken: $(sort -g delays | tail -n 1) ms"
cmp -s run/graph.yaml <("$GRAPH_RUNNER" render "$graph" --set train.steps=1000000 --set train.eval_every=0 --set train.checkpoint_every=0 --set train.eval_limit=64) || fail "the run's graph is not that of the file"
checks=$((checks + 1))
finish
