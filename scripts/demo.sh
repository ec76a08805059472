#!/usr/bin/env bash
# Builds Latentloom and trains graphs/vae.yaml on procedural sprites for about a minute.
#   scripts/demo.sh [FOLDER]      where the run goes (default: runs/demo, the next free number behind it)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release

run=${1:-runs/demo}
if [ $# -eq 0 ]; then
  n=1
  while [ -e "$run" ]; do n=$((n + 1)); run="runs/demo-$n"; done
fi
build/release/bin/graph-runner train graphs/vae.yaml --out "$run"
cat <<TEXT

Look at
  $run/samples.png            images drawn from the prior
  $run/reconstructions.png    test images above what the model makes of them
  $run/report.html            curves, graph and settings
Next: docs/quickstart.md
TEXT
