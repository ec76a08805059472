#!/usr/bin/env bash
# graph-runner new-plugin: what it writes builds against the installed SDK, passes its own test and check, and trains.
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"
grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "plugins of others are not built with a sanitizer"
export CCACHE_DISABLE=1

cmake --install "$build" --prefix "$work/prefix" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
prefix=$work/prefix
GRAPH_RUNNER=$prefix/bin/graph-runner
unset LATENTLOOM_PLUGINS LOOM_PLUGIN_PATH LD_LIBRARY_PATH

# What cannot be is said, and nothing is overwritten.
expect 2 new-plugin huber --kind loss --kind layer
expect 2 new-plugin huber --kind looss
for name in Huber ../huber "a b" acme. .acme 1st acme..huber; do
  expect 65 new-plugin "$name"
  says err "E117"
done
mkdir there
expect 2 new-plugin huber --out there
says err "already exists and is not overwritten"

# in_words NAME: the name as a library is called.
library_of() { echo "${1//./_}"; }

try_kind() {
  local kind=$1 type=$2 name
  name=$(library_of "$type")
  expect 0 new-plugin "$type" --kind "$kind" || return
  exists "$name/$name.cpp" "$name/${name}_test.cpp" "$name/CMakeLists.txt" "$name/$name.yaml" "$name/README.md"
  checks=$((checks + 1))
  grep -rnE "new\.name|NewName|new_name|new-kind" "$name" && fail "$kind: a placeholder is left"
  { cmake -S "$name" -B "$name/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" &&
    cmake --build "$name/build" && ctest --test-dir "$name/build" --output-on-failure; } >"$name.log" 2>&1 ||
    fail "$kind: it does not build and pass its test: $(tail -n 20 "$name.log")"
  expect 0 check "$name/build/lib$name.so"
  says out "ok: 1 types"
  expect 0 check "$name/build/lib$name.so" --strict --json
  expect 0 validate "$name/$name.yaml" --plugin "$name/build/lib$name.so"
  expect 0 train "$name/$name.yaml" --plugin "$name/build/lib$name.so" --steps 3 --set train.eval_limit=32 --out "$name/run"
  is_png "$name/run/reconstructions.png"
}

try_kind layer snake
try_kind loss acme.huber
try_kind prior logistic
try_kind sampler laplace
try_kind quantizer lloyd
try_kind dataset acme.gratings
try_kind optimizer acme.lion
try_kind schedule acme.wave
try_kind metric acme.close_values
expect 0 eval acme_close_values/run --plugin acme_close_values/build/libacme_close_values.so --json
[ -n "$(json /acme_close_values)" ] || fail "eval does not report the metric of a plugin"

# A loss is one class of at most 60 lines with its documentation.
checks=$((checks + 1))
[ "$(wc -l <acme_huber/acme_huber.cpp)" -le 60 ] || fail "the loss has $(wc -l <acme_huber/acme_huber.cpp) lines"

# By its name on the search path; the run has the name, and asks for it.
so=$work/acme_huber/build/libacme_huber.so
expect 65 validate acme_huber/acme_huber.yaml
says err "E601" "acme_huber.yaml:5:" "libacme_huber.so"
expect 65 eval acme_huber/run
says err "E601" "acme_huber"
expect 0 eval acme_huber/run --plugin "$so" --json
mkdir path && cp "$so" path/
export LOOM_PLUGIN_PATH=$work/path
expect 0 validate acme_huber/acme_huber.yaml
expect 0 eval acme_huber/run --json
expect 0 train --resume acme_huber/run --steps 4 --json
expect 0 sample acme_huber/run --count 2 --out s.png
expect 0 list
says out "plugins (plugins: [NAME]" "acme_huber  acme.huber" "huber  huber_nll"
expect 0 inspect acme.huber --plugin acme_huber
says out "distance at which the linear part begins"
expect 65 inspect acme.huber
says err "the plugin 'acme_huber' has this type"
expect 65 check acme.hubber --plugin acme_huber
says err "did you mean 'acme.huber'?"
sed '/^plugins:/d' acme_huber/acme_huber.yaml >without.yaml
expect 65 validate without.yaml
says err "E201" "plugins: [acme_huber]"
expect 0 validate without.yaml --plugin acme_huber
sed 's/^plugins:.*/plugins: [acme_hubber]/' acme_huber/acme_huber.yaml >misspelt.yaml
expect 65 validate misspelt.yaml
says err "did you mean 'acme_huber'?"

# A graph cannot name a file, and a run that was given one by --plugin needs no trust: only its name is kept.
for path in "$so" "../path/libacme_huber.so" "libacme_huber.so"; do
  sed "s|^plugins:.*|plugins: [\"$path\"]|" acme_huber/acme_huber.yaml >path.yaml
  expect 65 validate path.yaml
  says err "E605" "path.yaml:5:"
done
says acme_huber/run/graph.yaml "plugins: [acme_huber]"

# Two libraries with one type.
cp "$so" path/libother.so
expect 1 validate acme_huber/acme_huber.yaml --plugin other
says err "E603" "libacme_huber.so" "libother.so"

# A node that does not keep to the rules: the check says which, and where.
cp -r acme_huber wrong && rm -rf wrong/build
sed -i 's/return factor \* std::clamp(m - t, -delta_, delta_)/return 1.1 * factor * std::clamp(m - t, -delta_, delta_)/' wrong/acme_huber.cpp
{ cmake -S wrong -B wrong/build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" && cmake --build wrong/build; } >wrong.log 2>&1 ||
  fail "the wrong plugin does not build: $(tail -n 5 wrong.log)"
expect 1 check wrong/build/libacme_huber.so
says out "gradients" "FAILED" "input 'mean', element" "1 of 1 types failed"
expect 1 check wrong/build/libacme_huber.so --json
[ "$(json /types/0/checks/1/result)" = '"FAILED"' ] || [ "$(json /types/0/checks/1/result)" = FAILED ] || fail "the JSON does not say that the gradients failed"

# Another build: both sides, the file and the remedy.
sed "s/libstdc++ \([0-9]*\), cxx11/libstdc++ 0\1, cxx1/" "$so" >path/libolder.so
expect 1 check path/libolder.so
says err "E602" "path/libolder.so" "standard library libstdc++ 0" "cmake --build"
finish
