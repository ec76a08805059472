#!/usr/bin/env bash
# Builds Latentloom and runs its whole test suite.
#   scripts/test.sh               build (Release) and test
#   scripts/test.sh --checks      also the format and lint checks
#   scripts/test.sh --sanitize    the suite under the address, undefined-behaviour and thread sanitizers, a training changed
#                                 1,000 times among it (an hour and a half)
#   scripts/test.sh --interruptions
#                                 a training interrupted 500 times: signals, a full disk, failed fsync and rename (5 minutes)
#   scripts/test.sh --fuzz        10,000 damaged files of every format through the readers, under the address sanitizer
# With LATENTLOOM_NPM=1 in the environment, the test of completion in editors installs the npm package that it needs into
# the build folder; without, and where that package is not installed, it is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# Two at a time: most scripts wait for one process after the other.
run_suite() { ctest --test-dir "build/$1" --output-on-failure --parallel 2 "${@:2}"; }

case "${1:-}" in
  "" | --checks)
    if [ "${1:-}" = "--checks" ]; then
      scripts/install-deps.sh --checks
      scripts/check-style.sh
    fi
    scripts/build.sh release
    run_suite release
    ;;
  --sanitize)
    export HOT_SWAPS=1000
    scripts/build.sh asan
    # Without the script that only measures time, and the test that replaces malloc, as the sanitizer does.
    ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
      LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan-suppressions.txt:print_suppressions=0" run_suite asan -E 'validate_large|^allocation$'
    suites=(core graph run data train generate live)
    libraries=($(cd nodes && ls -d -- */ | tr -d /))
    scripts/build.sh tsan "${suites[@]/#/tests-}" "${libraries[@]/#/latentloom_nodes_}" graph-runner json-value zoo
    LD_LIBRARY_PATH=$(scripts/build-tsan-tbb.sh) \
      TSAN_OPTIONS="allocator_may_return_null=1:suppressions=$PWD/tests/support/tsan-suppressions.txt" \
      run_suite tsan -R "^($(IFS="|" && echo "${suites[*]}")|system-hot_swap_endurance_test)\$"
    ;;
  --interruptions)
    scripts/build.sh release graph-runner json-value faulty-io
    INTERRUPTIONS=500 run_suite release -R '^system-durability_test$' --verbose
    ;;
  --fuzz)
    scripts/build.sh asan tests-fuzz
    LOOM_FUZZ=10000 ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1 \
      UBSAN_OPTIONS=print_stacktrace=1 build/asan/bin/tests-fuzz --log_level=message
    ;;
  *)
    echo "usage: scripts/test.sh [--checks | --sanitize | --interruptions | --fuzz]" >&2
    exit 2
    ;;
esac
