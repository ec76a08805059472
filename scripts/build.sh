#!/usr/bin/env bash
# Configures and builds one CMake preset (default: release); what is missing is installed first.
#   scripts/build.sh [--without-tests] [release|debug|asan|tsan [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."
testing=ON
if [ "${1:-}" = "--without-tests" ]; then
  testing=OFF
  shift
fi
preset=${1:-release}
targets=("${@:2}")
scripts/install-deps.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" -DLATENTLOOM_TESTS=$testing >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset "$preset" ${targets:+--target "${targets[@]}"}
