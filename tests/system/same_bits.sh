#!/usr/bin/env bash
# Compares what this working tree computes with what another revision does, bit by bit.
#   tests/system/same_bits.sh REVISION [GRAPH...]      GRAPH: graphs/vae.yaml, or only the end of it, vae.yaml
# Every graph of graphs/ and plugins/ trains 30 steps in its small form (small_graphs.sh), with an executable of REVISION
# and with that of this tree, each with the graphs, plugins and options of its own revision. Must be the same:
#   - each checkpoint: every tensor, byte by byte, and every metadata entry that REVISION's has;
#   - the answer of  eval --json  on the held-out split, with --nll-samples 10 where there is a likelihood, with
#     --disentanglement where the factors are known: every value that REVISION's has, numbers as they are written.
# Not compared: the hashes, the version and the format's name of a checkpoint; the file name of the weights that eval
# prints; what only this tree has (further metadata entries, further keys); graphs that only one side has, which are
# listed; pictures, reports, and what the programs print while they train.
#
# REVISION is built once, in ${TMPDIR:-/tmp}/latentloom-same-bits/<its hash>. This tree is not built: GRAPH_RUNNER, or
# build/release/bin/graph-runner, is what is tested; only the plugins are built here, beside it. It is no part of ctest.
# Ends with 0 where all is the same, 1 where something differs, 77 where REVISION cannot be built.
. "$(dirname "$0")/lib.sh"
unset LATENTLOOM_PLUGINS LOOM_PLUGIN_PATH LD_LIBRARY_PATH
GRAPH_RUNNER=$(realpath "$GRAPH_RUNNER")
SAME_VALUES=${SAME_VALUES:-$(dirname "$GRAPH_RUNNER")/same-values}
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)

stop() {
  echo "same_bits.sh: $*" >&2
  exit 2
}
[ $# -ge 1 ] || stop "usage: same_bits.sh REVISION [GRAPH...]"
[ -f "$build/CMakeCache.txt" ] || stop "$build is no build folder"
[ -x "$SAME_VALUES" ] || stop "$SAME_VALUES does not exist: build the target same-values"
revision=$(git -C "$repository" rev-parse --verify --quiet "$1^{commit}") || stop "there is no revision '$1'"
name=$1
shift
wanted=("$@")
cache=${TMPDIR:-/tmp}/latentloom-same-bits/$revision

# Of each side: the tree, its build, where its plugins are built, its executable, its folders of plugins.
declare -A tree=([old]=$cache/source [new]=$repository)
declare -A built=([old]=$cache/source/build/release [new]=$build)
declare -A extras=([old]=$cache/extras [new]=$build/same-bits)
declare -A runner=([old]=$cache/source/build/release/bin/graph-runner [new]=$GRAPH_RUNNER)
declare -A plugins

# build_plugins SIDE: each alone, against the installed tree of its side.
build_plugins() {
  local prefix=${extras[$1]}/prefix folder to
  rm -rf "$prefix" # headers that are gone must not be found
  cmake --install "${built[$1]}" --prefix "$prefix" || return
  for folder in "${tree[$1]}"/plugins/*/; do
    to=${extras[$1]}/plugins/$(basename "$folder")
    cmake -S "$folder" -B "$to" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCMAKE_PREFIX_PATH="$prefix" &&
      cmake --build "$to" || return
  done
}

# The files of an archive have the time of the commit, so what was built before an interruption is not built again.
build_revision() {
  [ -e "$cache/complete" ] && return
  mkdir -p "${tree[old]}" &&
    git -C "$repository" archive "$revision" | tar -x -C "${tree[old]}" &&
    cmake -S "${tree[old]}" -B "${built[old]}" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLATENTLOOM_TESTS=OFF &&
    cmake --build "${built[old]}" && build_plugins old && touch "$cache/complete"
}

# in_side SIDE COMMAND...: in the folder of the side, with the small forms of its revision; one from before small_graphs.sh
# existed has those of this tree.
in_side() (
  cd "$work/$1" || exit
  side=$1
  forms=${tree[$1]}/tests/system/small_graphs.sh
  [ -e "$forms" ] || forms=$repository/tests/system/small_graphs.sh
  . "$forms"
  "${@:2}"
)

# run SIDE ARGUMENT...: the executable of a side with the plugins of that side.
run() { LOOM_PLUGIN_PATH=${plugins[$1]} "${runner[$1]}" "${@:2}"; }

# What varies with the machine where it is not given. A moving average, so that checkpoints hold one.
options=(--seed 7 --lanes 2 --shard 2 --batch 8 --threads 1 --set train.average=0.5)

base() { run "$side" train "${tree[$side]}/graphs/$1.yaml" "${@:2}" "${options[@]}" --steps 20 --out "base/$1" --quiet; }

prepare() {
  mkdir "$work/$1"
  plugins[$1]=$(printf '%s:' "${extras[$1]}"/plugins/*)
  plugins[$1]=${plugins[$1]%:}
  in_side "$1" small_data && in_side "$1" small_bases >"$work/$1.log" 2>&1 || stop "$1: $(tail -n 5 "$work/$1.log")"
}

train_small() {
  rm -f eval.json # it is of another command
  small "$(basename "$1" .yaml)"
  run "$side" train "${tree[$side]}/$1" "${form[@]}" "${options[@]}" --steps 30 --set train.checkpoint_every=10 \
    --set train.keep=100 --set train.eval_every=10 --set train.eval_limit=8 --out "$1.run" --quiet >out 2>err
}

evaluate() { run "$side" eval "$1.run" --threads 1 --json "${@:2}" >eval.json 2>err; }

# Finds, with the old executable, what the graph and its data allow to be measured.
evaluate_old() {
  local flags
  for flags in "--nll-samples 10 --disentanglement" "--disentanglement" "--nll-samples 10" ""; do
    read -ra measured <<<"$flags"
    in_side old evaluate "$1" "${measured[@]}" && return
    [ "$(json /errors/0/name "$work/old/eval.json" 2>/dev/null)" = not-supported ] || return
  done
}

differs() {
  echo "DIFFERS  $graph: $1"
  [ $# -lt 2 ] || sed 's/^/           /' <<<"$2"
  different=$((different + 1))
}

# said SIDE: the errors of its last command; with --json they stand in the answer.
said() { cat "$work/$1/err" "$work/$1/eval.json" 2>/dev/null | head -n 12; }

# compare_checkpoints GRAPH: the first that differs is shown; the steps come before the best, as they were written.
compare_checkpoints() {
  local file
  found="there is none"
  for file in "$work/old/$1.run/checkpoints"/{step-*,best}.safetensors; do
    [ -e "$file" ] || continue
    found=$("$SAME_VALUES" "$file" "$work/new/$1.run/checkpoints/${file##*/}") && continue
    found="${file##*/}: $found"
    return 1
  done
  [ "$found" != "there is none" ]
}

# compare_graph GRAPH: both trainings have a thread each.
compare_graph() {
  local graph=$1 training code tensors
  mkdir -p "$work"/{old,new}/"$(dirname "$graph")"
  in_side new train_small "$graph" &
  training=$!
  in_side old train_small "$graph"
  code=$?
  wait $training || { differs "it does not train in this tree" "$(said new)"; return; }
  [ $code -eq 0 ] || { differs "it does not train in $name" "$(said old)"; return; }
  compare_checkpoints "$graph" || { differs "checkpoints" "$found"; return; }
  tensors=$found
  evaluate_old "$graph" || { differs "it cannot be evaluated in $name" "$(said old)"; return; }
  in_side new evaluate "$graph" "${measured[@]}" || { differs "it cannot be evaluated in this tree" "$(said new)"; return; }
  found=$("$SAME_VALUES" "$work/old/eval.json" "$work/new/eval.json") || { differs "eval ${measured[*]}" "$found"; return; }
  echo "same     $graph ($tensors, $found)"
  same=$((same + 1))
}

# graphs_of SIDE: the files that are whole graphs, not blocks, and that were asked for.
graphs_of() {
  local file end
  (cd "${tree[$1]}" && find graphs plugins -name '*.yaml' -exec grep -l '^graph:' {} +) | sort | while read -r file; do
    [ ${#wanted[@]} -eq 0 ] && echo "$file"
    for end in "${wanted[@]}"; do [[ /$file == */"$end" ]] && echo "$file"; done
  done
}

build_revision >"$work/build.log" 2>&1 || skip "$name ($revision) CANNOT BE BUILT, nothing was compared:
$(grep -iE 'error|FAILED' -A 3 "$work/build.log" | head -n 20; tail -n 3 "$work/build.log")"
build_plugins new >"$work/build.log" 2>&1 || stop "the plugins of this tree cannot be built: $(grep -iE 'error' -A 3 "$work/build.log" | head -n 20)"
prepare old
prepare new
same=0
different=0
graphs_of old >old.txt
graphs_of new >new.txt
for end in "${wanted[@]}"; do grep -q -e "^$end\$" -e "/$end\$" old.txt new.txt || stop "there is no graph '$end'"; done
for graph in $(comm -12 old.txt new.txt); do compare_graph "$graph"; done
comm -23 old.txt new.txt | sed "s/^/only in $name: /"
comm -13 old.txt new.txt | sed 's/^/only in this tree: /'
echo "$same the same, $different different, $(comm -3 old.txt new.txt | wc -l) on one side only; $name is $revision"
[ "$different" -eq 0 ] && [ "$same" -gt 0 ]
