#!/usr/bin/env bash
# Builds Latentloom without its tests, and trains graphs/sprites.yaml on procedural sprites for about a minute. Says how long
# each stage takes.
#   scripts/demo.sh [FOLDER]      the run's folder (default: runs/sprites-N)
set -euo pipefail
cd "$(dirname "$0")/.."

stage() {  # stage NAME COMMAND...
  local start=$SECONDS name=$1
  shift
  "$@"
  echo "== $name: $((SECONDS - start)) s"
}
stage "packages" scripts/install-deps.sh
stage "build" scripts/build.sh --without-tests release
run=(${1:+--out "$1"})
log=$(mktemp)
trap 'rm -f "$log"' EXIT
train() { build/release/bin/graph-runner train sprites "${run[@]}" | tee "$log"; }
stage "training" train
folder=$(dirname "$(sed -n 's/^ *report *//p' "$log")")
cat <<TEXT

Look at
  $folder/samples.png            pictures drawn from the prior
  $folder/reconstructions.png    held-out pictures above what the model makes of them
  $folder/report.html            curves, pictures, graph and settings
Next: docs/quickstart.md
TEXT
