#!/usr/bin/env bash
# compare.sh [OPTIONS OF compare.py]: training steps of graph-runner and of PyTorch in turn, as a Markdown table.
#   GRAPH_RUNNER    the executable (default: build/release/bin/graph-runner)
# Peers that are not installed are left out with a warning; peers/run.sh says what each needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export GRAPH_RUNNER=${GRAPH_RUNNER:-$(realpath -m "$here/../../build/release/bin/graph-runner")}
exec "$(command -v /usr/bin/python3 || command -v python3)" -B "$here/compare.py" "$@"
