#!/usr/bin/env bash
# Programs that use the library, from an installed prefix alone: examples/embed, and one that has headers of its own
# under names that the library uses inside.
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"
grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "programs of others are not built with a sanitizer"

cmake --install "$build" --prefix "$work/prefix" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
unset LATENTLOOM_PLUGINS LD_LIBRARY_PATH
tiny_graph tiny.yaml

# built SOURCE BUILD: with find_package(Latentloom), without warnings.
built() {
  checks=$((checks + 1))
  { cmake -S "$1" -B "$2" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_FLAGS="-Wall -Wextra" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra" && cmake --build "$2"; } >build.log 2>&1 ||
    fail "$1 does not build: $(grep -m 8 -E 'error|CMake' build.log)"
  grep -q "warning:" build.log && fail "$1 builds with warnings: $(grep -m 3 'warning:' build.log)"
}

cp -r "$repository/examples/embed" example
built example example-build
for program in embed embed-c; do
  checks=$((checks + 1))
  "example-build/$program" tiny.yaml "run-$program" >out 2>err || { fail "$program ends with $?"; tail -n 5 err; }
  says out "step 100: loss"
  exists "run-$program/checkpoints/best.safetensors"
done
says out "100 steps, 1024 values drawn, 3 codes"
# The weights are those of graph-runner train, bit by bit.
expect 0 train tiny.yaml --steps 100 --batch 16 --seed 1 --out run-cli --quiet
checks=$((checks + 1))
cmp -s run-cli/checkpoints/best.safetensors run-embed/checkpoints/best.safetensors ||
  fail "a program and graph-runner train give different weights"
# graph-runner goes on with what a program began, and computes the same.
expect 0 sample run-embed --count 3 --out samples.npy
expect 0 eval run-embed-c --limit 16 --json
has_json /negative_elbo
# What is wrong is an Error with a code, not an end of the program.
checks=$((checks + 1))
example-build/embed-c missing.yaml other >out 2>err && fail "a graph that is missing is taken"
says err "E109"
example-build/embed tiny.yaml run-embed >out 2>err && fail "a run is written over"
says err "E501"

# A program with its own core/error.h and data/npy.h: the library's are neither installed nor found.
mkdir -p own/core own/data
echo 'inline const char* own_error() { return "own error"; }' >own/core/error.h
echo 'inline const char* own_npy() { return "own npy"; }' >own/data/npy.h
cat >own/main.cpp <<'CPP'
#include "core/error.h"
#include "data/npy.h"
#include <loom/error.h>
#include <loom/loom.h>
#include <loom/model.h>
#include <loom/trainer.h>
#include <cstdio>
int main() {
  std::printf("%s, %s, API %d\n", own_error(), own_npy(), loom_api_version());
  try {
    const loom::Model model("there-is-none");
  } catch (const loom::Error& error) {
    std::printf("%s\n", std::string(loom::error_number(error.code())).c_str());
  }
}
CPP
cat >own/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(own LANGUAGES CXX)
find_package(Latentloom REQUIRED)
add_executable(own main.cpp)
target_include_directories(own PRIVATE .)
target_link_libraries(own PRIVATE Latentloom::framework)
CMAKE
built own own-build
own-build/own >out 2>err || fail "the program ends with $?"
says out "own error, own npy, API 1" "E109"
finish
