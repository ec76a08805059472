#!/usr/bin/env bash
# What it costs to be changeable: the speed of a watched training, a moment after each of many changes, over that of a
# training that is not watched. The two take turns within seconds, so that both meet the machine at the same speed.
#   tests/bench/watch_cost.sh [GRAPH] [ROUNDS] [SECONDS] [CHANGES]     default: graphs/vae.yaml 60 2 each
# CHANGES: each (one before every turn), or how many before the first turn: 0, 3.
# Prints the ratio (watched over not) of every round's steps a second: its median, its quartiles, and that of the sums.
. "$(dirname "$0")/../system/lib.sh"
graph=$repository/${1:-graphs/vae.yaml} rounds=${2:-60} seconds=${3:-2} changes=${4:-each}

declare -A process
start() {
  local run=$1
  shift
  "$GRAPH_RUNNER" train "$graph" --out "$run" --steps 100000000 --set train.eval_every=0 --set train.checkpoint_every=0 \
    --log-every 1000000 "$@" >"$run.out" 2>&1 &
  process[$run]=$!
  until [ -S "$run/control.sock" ]; do
    sleep 0.1
    kill -0 "${process[$run]}" 2>/dev/null || { fail "$run does not begin"; cat "$run.out"; finish; }
  done
  expect 0 ctl "$run" status
}

# The step and the time at a boundary between two steps.
boundary() {
  expect 0 ctl "$1" status --json
  echo "$(json /step) $EPOCHREALTIME"
}

# slice RUN: trains for a while; prints steps a second.
slice() {
  local run=$1 from to
  kill -CONT "${process[$run]}"
  [ "$run" = plain ] || [ "$changes" != each ] || expect 0 ctl "$run" reload
  sleep 0.2
  from=$(boundary "$run")
  sleep "$seconds"
  to=$(boundary "$run")
  kill -STOP "${process[$run]}"
  awk -v from="$from" -v to="$to" 'BEGIN { split(from, a); split(to, b); printf "%.6f\n", (b[1] - a[1]) / (b[2] - a[2]) }'
}

start plain
kill -STOP "${process[plain]}"
start watched --watch
if [ "$changes" != each ]; then
  for i in $(seq "$changes"); do expect 0 ctl watched reload; done
  sleep 3
fi
kill -STOP "${process[watched]}"
for i in $(seq "$rounds"); do
  if [ $((i % 2)) -eq 0 ]; then plain=$(slice plain) watched=$(slice watched); else watched=$(slice watched) plain=$(slice plain); fi
  echo "$watched $plain"
done >rates
kill -CONT "${process[plain]}" "${process[watched]}"
for run in plain watched; do expect 0 ctl "$run" stop; done
wait
awk '{ print $1 / $2 }' rates | sort -g >ratios
quantile() { sed -n "$((($(wc -l <ratios) * $1 + 99) / 100))p" ratios; }
awk -v median="$(quantile 50)" -v low="$(quantile 25)" -v high="$(quantile 75)" '
  { watched += $1; plain += $2 }
  END {
    printf "watched over not watched, steps a second: median %.4f (quartiles %.4f, %.4f), of the sums %.4f\n", median, low, high, watched / plain
    printf "%d rounds; not watched: %.2f steps a second\n", NR, plain / NR
  }' rates
finish
