#!/usr/bin/env bash
# The worked examples of plugins/: each builds alone against an installed Latentloom, passes its own test, is checked, and
# trains its graph; a run goes on with the same bits.
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"
grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "plugins of others are not built with a sanitizer"

cmake --install "$build" --prefix "$work/prefix" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
prefix=$work/prefix
GRAPH_RUNNER=$prefix/bin/graph-runner
unset LATENTLOOM_PLUGINS LD_LIBRARY_PATH

# The folders as they lie in the repository: a plugin's graph extends ../../graphs/vae.yaml.
cp -r "$repository/plugins" "$work/plugins"
ln -s "$prefix/share/latentloom/graphs" "$work/graphs"

# use_plugins NAME...: graph-runner finds the plugins that were built here. The one place that says how.
use_plugins() {
  local name
  LATENTLOOM_PLUGINS=$prefix/lib/latentloom/plugins
  for name in "$@"; do LATENTLOOM_PLUGINS=$LATENTLOOM_PLUGINS:$work/build/$name; done
  export LATENTLOOM_PLUGINS
}

# build_alone NAME: configured, built and tested with nothing but the installed tree.
build_alone() {
  { cmake -S "plugins/$1" -B "build/$1" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "build/$1" -j 1 &&
    ctest --test-dir "build/$1" --output-on-failure --no-tests=error; } >"$1.log" 2>&1
}
names=$(cd plugins && ls -d */ | tr -d /)
mkdir build
# Two at a time: each is a few small files.
export -f build_alone
export prefix
printf '%s\n' $names | xargs -P 2 -I{} bash -c 'build_alone {} || touch {}.failed'
for name in $names; do
  checks=$((checks + 1))
  [ -e "$name.failed" ] && fail "plugins/$name: $(grep -E 'error|Error|FAILED|\*\*\*' -A 3 "$name.log" | head -n 12)"
  grep -q "warning" "$name.log" && fail "plugins/$name builds with warnings: $(grep -m 3 warning "$name.log")"
  exists "plugins/$name/README.md"
done
use_plugins $names

# check TYPE ARGUMENT...: gradients, repeatability, many shards at once.
check() {
  expect 0 check "$@"
  says out "ok:"
}
check student_t_nll
check huber_nll
check huber_nll --set sigma=learned --set delta=0.5 --shape mean=4,3,2 --shape target=4,3,2
check sphere.von_mises_fisher_parameters
check sphere.von_mises_fisher_sampler --set gradient=rejection --shape mu=4,2,6 --shape kappa=4,2,1
check sphere.von_mises_fisher_kl --shape mu=4,6 --shape kappa=4,1 --shape z=4,6
check sphere.uniform --set shape=[6]
check squeeze_excitation --shape x=3,4,4,8 --set ratio=2
check finite_scalar_quantizer --set levels=[8,5,5] --set round=false --shape x=4,6,3
check finite_scalar_values --set levels=[8,5,5] --classes 200
check gumbel_softmax_sampler
check categorical_kl --shape logits=4,3,5 --shape z=4,3,5
check one_hot_prior --set shape=[3,4]
check adabelief
check aggregate_moments
expect 0 inspect swiss_roll
says out "place" "noise" "holdout"

# trains NAME GRAPH STEPS ARGUMENT...: the loss falls, and a run that was cut in two has the bits of one that was not.
trains() {
  local name=$1 graph=$2 steps=$3 first last
  shift 3
  local options=(--batch 16 --lanes 2 --shard 8 --seed 5 --set train.eval_limit=64 --set train.keep=100 "$@")
  expect 0 validate "$graph" || return
  expect 0 train "$graph" --steps 1 "${options[@]}" --out "$name-start" --json
  first=$(json /loss)
  expect 0 train "$graph" --steps "$steps" "${options[@]}" --set train.checkpoint_every=$((steps / 2)) --out "$name" --json
  last=$(json /loss)
  holds "$last < ($first) - 0.05 * sqrt(($first) ^ 2)"
  expect 0 train "$graph" --steps $((steps / 2)) "${options[@]}" --set train.checkpoint_every=$((steps / 2)) --out "$name-cut"
  expect 0 train --resume "$name-cut" --steps "$steps"
  local file=checkpoints/step-$(printf %06d "$steps").safetensors
  same "$name/$file" "$name-cut/$file"
}
trains huber plugins/huber/robust-ppca.yaml 200
trains hyperspherical plugins/hyperspherical/hyperspherical-vae.yaml 40 --set data.count=2000
trains squeeze_excitation plugins/squeeze_excitation/squeeze-excitation-vae.yaml 40 --set data.count=2000
trains finite_scalar plugins/finite_scalar/finite-scalar-vae.yaml 40 --set data.count=2000 --set vars.size=32
trains gumbel_softmax plugins/gumbel_softmax/categorical-vae.yaml 40 --set data.count=2000
trains adabelief plugins/adabelief/adabelief-vae.yaml 40 --set data.count=2000 --set train.optimizer.lr=1e-3
trains aggregate_moments plugins/aggregate_moments/aggregate-vae.yaml 40 --set data.count=2000
trains swiss_roll plugins/swiss_roll/swiss-roll-vae.yaml 200 --set data.count=2000

# The graphs as JSON are valid under the schema that knows the plugins.
expect 0 schema $(printf -- '--plugin %s ' $names)
cp out schema.json
mkdir documents
for graph in plugins/*/*.yaml "$repository/graphs/vae.yaml"; do
  grep -q "^block:" "$graph" && continue # a part of a graph
  expect 0 render "$graph" --json
  cp out "documents/$(basename "$graph" .yaml).json"
done
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
  checks=$((checks + 1))
  /usr/bin/python3 "$repository/tests/system/schema_check.py" schema.json "$work"/documents/*.json || fail "schema_check.py"
else
  echo "python3-jsonschema is not installed: the graphs of the plugins were not held against the schema"
fi

# What a graph generates.
for name in hyperspherical gumbel_softmax; do
  expect 0 sample "$name" --out "$name.png" --count 4
  is_png "$name.png"
done
expect 0 eval finite_scalar --json
has_json /perplexity /used_codes
[ "$(json /codes)" = 512 ] || fail "$(json /codes) codes"
expect 0 eval aggregate_moments --json
holds "(d = $(json /latents/kl/moment_kl) - $(json /latents/kl/mean_kl) - $(json /latents/kl/scale_kl) - \
  $(json /latents/kl/correlation_kl)) < 1e-9 && d > -1e-9"
holds "$(json /latents/kl/moment_kl) > 0 && $(json /latents/kl/moment_kl) < $(json /latents/kl/aggregate_kl)"
expect 0 eval squeeze_excitation --plugin aggregate_moments --json
has_json /latents/kl/moment_kl
expect 0 encode finite_scalar --out codes.npy --count 8
expect 0 decode finite_scalar --codes codes.npy --out decoded.png
is_png decoded.png

# Without the plugins the graphs are refused, by the name of the plugin.
use_plugins
expect 65 validate plugins/hyperspherical/hyperspherical-vae.yaml
says err "E601" "hyperspherical"
finish
