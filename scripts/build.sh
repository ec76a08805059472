#!/usr/bin/env bash
# Configures and builds one CMake preset (default: release); what is missing is installed first.
#   scripts/build.sh [release|debug|asan|tsan [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
targets=("${@:2}")
scripts/install-deps.sh
cmake --preset "$preset" >"/tmp/latentloom-configure-$$.log" 2>&1 || { cat "/tmp/latentloom-configure-$$.log"; rm -f "/tmp/latentloom-configure-$$.log"; exit 1; }
rm -f "/tmp/latentloom-configure-$$.log"
cmake --build --preset "$preset" ${targets:+--target "${targets[@]}"}
