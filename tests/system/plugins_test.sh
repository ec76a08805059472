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

# The folders as they lie in the repository.
cp -r "$repository/plugins" "$work/plugins"

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

# What a metric adds.
expect 0 eval aggregate_moments --json
holds "(d = $(json /latents/kl/moment_kl) - $(json /latents/kl/mean_kl) - $(json /latents/kl/scale_kl) - \
  $(json /latents/kl/correlation_kl)) < 1e-9 && d > -1e-9"
holds "$(json /latents/kl/moment_kl) > 0 && $(json /latents/kl/moment_kl) < $(json /latents/kl/aggregate_kl)"
expect 0 train vae --steps 2 --batch 4 --set data.count=200 --set train.eval_limit=8 --out plain
expect 0 eval plain --plugin aggregate_moments --json
has_json /latents/kl/moment_kl
expect 0 sample swiss_roll --out points.npy --count 4

# The installed ones are found by their names, without a path; a name that is none is refused.
unset LATENTLOOM_PLUGINS
expect 0 validate plugins/huber/robust-ppca.yaml
expect 0 check adabelief --plugin adabelief
expect 0 inspect swiss_roll --plugin swiss_roll
expect 0 list
says out "adabelief  adabelief" "student_t_nll  student_t_nll"
expect 65 inspect huber_nll
says err "the plugin 'huber' has this type"
sed 's/^plugins:.*/plugins: [hubre]/' plugins/huber/robust-ppca.yaml >wrong.yaml
expect 65 validate wrong.yaml
says err "E601" "did you mean 'huber'"
finish
