#!/usr/bin/env bash
# A training is interrupted again and again: SIGKILL, SIGTERM and SIGHUP at random moments, a full disk, a failed fsync, a
# failed rename at a random call. Each time it is resumed; in the end every checkpoint and every metric has the bits of the
# uninterrupted run.  INTERRUPTIONS=n (default 24) sets how often; scripts/test.sh --interruptions does it 500 times.
. "$(dirname "$0")/lib.sh"
FAULTY_IO=${FAULTY_IO:-$(dirname "$GRAPH_RUNNER")/faulty-io.so}
[ -e "$FAULTY_IO" ] || fail "$FAULTY_IO is not built"
interruptions=${INTERRUPTIONS:-24}
kinds=(KILL TERM HUP full sync rename)
tiny_graph tiny.yaml
sed -i 's/hidden: 16/hidden: 48/' tiny.yaml
options=(--set train.checkpoint_every=40 --set train.keep=100000 --set train.eval_every=400 --set train.eval_limit=20
  --lanes 2 --shard 4 --steps 4000 --seed 3)

# metrics_of RUN: every value of every step, without those that are times.
metrics_of() { "$GRAPH_RUNNER" metrics "$1" --csv | grep -v -e _seconds -e seconds, -e per_second; }

expect 0 train tiny.yaml "${options[@]}" --threads 1 --out whole
metrics_of whole >whole.csv
exists whole/checkpoints/step-004000.safetensors whole.csv

same_run() {
  local file
  for file in whole/checkpoints/step-*.safetensors; do
    cmp -s "$file" "$1/checkpoints/${file##*/}" || { same "$file" "$1/checkpoints/${file##*/}"; return; }
  done
  metrics_of "$1" >other.csv
  same whole.csv other.csv
}

# train_on RUN THREADS [NAME=VALUE...]: starts or resumes in the background, as $training, with these variables.
train_on() {
  local run=$1 threads=$2
  shift 2
  if [ -e "$run/run.json" ]; then
    env "$@" "$GRAPH_RUNNER" train --resume "$run" --threads "$threads" >out 2>err &
  else
    env "$@" "$GRAPH_RUNNER" train tiny.yaml "${options[@]}" --threads "$threads" --out "$run" >out 2>err &
  fi
  training=$!
}

# interrupt KIND RUN THREADS: sets code to the exit code, wanted to that of this interruption.
interrupt() {
  local kind=$1 run=$2 threads=$3
  case $kind in
    KILL | TERM | HUP)
      wanted=$((128 + $(kill -l "$kind")))
      train_on "$run" "$threads" LOOM_FAULT=
      sleep "0.$(printf %03d $((RANDOM % 500)))"
      kill -s "$kind" $training 2>/dev/null
      ;;
    *)
      wanted=1
      train_on "$run" "$threads" LD_PRELOAD="$FAULTY_IO" LOOM_FAULT="$kind" LOOM_FAULT_AT=$((RANDOM % 60 + 1)) \
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
      ;;
  esac
  wait $training 2>/dev/null
  code=$?
}

RANDOM=${SEED:-22}
declare -A count
total=0 runs=1
while [ $total -lt "$interruptions" ] && [ "$failures" -eq 0 ]; do
  kind=${kinds[RANDOM % 6]}
  interrupt "$kind" run-$runs $((total % 3 + 1))
  checks=$((checks + 1))
  if [ $code -eq $wanted ]; then
    total=$((total + 1)) count[$kind]=$((${count[$kind]:-0} + 1))
    case $kind in full | sync | rename) says err "E5" ;; esac
  elif [ $code -eq 0 ]; then # it came to its end before
    same_run run-$runs
    runs=$((runs + 1))
  else
    fail "$kind: exit code $code, not $wanted: $(tail -n 4 err)"
  fi
done
if [ -e run-$runs/run.json ]; then
  expect 0 train --resume run-$runs
  same_run run-$runs
fi
ls run-*/checkpoints/*.tmp run-*/*.tmp 2>/dev/null && fail "temporary files are left after a resume"
echo "interrupted $total times in $runs runs:$(for kind in "${kinds[@]}"; do printf ' %s %s' "$kind" "${count[$kind]:-0}"; done)"
finish
