#!/usr/bin/env bash
# The same bits: for any number of threads, after kills at random moments, after signals, after a damaged checkpoint.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
sed -i 's/hidden: 16/hidden: 48/' tiny.yaml
kills=20

# Every checkpoint stays, so that all of them can be compared.
options=(--set train.checkpoint_every=40 --set train.keep=100000 --set train.eval_every=400 --set train.eval_limit=20
  --lanes 2 --shard 4)
whole=("${options[@]}" --steps 4000 --seed 3)

# same_run RUN RUN: every checkpoint of the first is in the second, with the same bits.
same_run() {
  local file
  for file in "$1"/checkpoints/*.safetensors; do
    cmp -s "$file" "$2/checkpoints/${file##*/}" || { same "$file" "$2/checkpoints/${file##*/}"; return; }
  done
  checks=$((checks + 1))
}

# Threads.
for threads in 1 2 4; do
  expect 0 train tiny.yaml "${whole[@]}" --threads $threads --out threads-$threads
done
exists threads-1/checkpoints/step-000040.safetensors threads-1/checkpoints/step-004000.safetensors
same_run threads-1 threads-2
same_run threads-1 threads-4
expect 0 train tiny.yaml "${options[@]}" --steps 200 --seed 4 --out other-seed
differ threads-1/checkpoints/step-000200.safetensors other-seed/checkpoints/step-000200.safetensors

# begin RUN THREADS: starts or resumes in the background, as $training.
begin() {
  if [ -e "$1/run.json" ]; then
    "$GRAPH_RUNNER" train --resume "$1" --threads "$2" >out 2>err &
  else
    "$GRAPH_RUNNER" train tiny.yaml "${whole[@]}" --threads "$2" --out "$1" >out 2>err &
  fi
  training=$!
}

# SIGKILL at random moments, of the start too. A run that comes to its end before the last kill is compared and begun
# anew, so that a fast machine makes as many kills as a slow one.
RANDOM=20
killed=0
runs=1
while [ $killed -lt $kills ]; do
  begin killed-$runs $((killed % 3 + 1))
  sleep "0.$(printf %03d $((RANDOM % 450)))"
  kill -KILL $training 2>/dev/null
  wait $training 2>/dev/null
  code=$?
  case $code in
    137) killed=$((killed + 1)) ;;
    0)
      exists killed-$runs/run.json
      [ "$failures" -eq 0 ] || break
      same_run threads-1 killed-$runs
      runs=$((runs + 1))
      ;;
    *)
      fail "a training between kills ended with exit code $code: $(tail -n 3 err)"
      break
      ;;
  esac
done
if [ -e killed-$runs/run.json ]; then
  expect 0 train --resume killed-$runs
  same_run threads-1 killed-$runs
fi
ls killed-*/checkpoints/*.tmp killed-*/*.tmp 2>/dev/null && fail "temporary files are left after a resume"
echo "killed $killed times in $runs runs"

# SIGINT, SIGTERM and SIGHUP: the step is finished, a checkpoint written, the exit code says which signal it was.
for signal in INT:130 TERM:143 HUP:129; do
  run=signal-${signal%:*}
  "$GRAPH_RUNNER" train tiny.yaml "${options[@]}" --steps 400000 --seed 3 --out "$run" >out 2>err &
  training=$!
  for _ in $(seq 600); do
    [ -e "$run/checkpoints/step-000080.safetensors" ] && break
    sleep 0.05
  done
  kill -s "${signal%:*}" $training
  wait $training
  code=$?
  checks=$((checks + 1))
  [ $code -eq "${signal#*:}" ] || fail "SIG${signal%:*}: exit code $code, not ${signal#*:}"
  says err "finishing the step, then writing a checkpoint" "train --resume $run"
  says out "stopped at step"
  step=$(sed -n 's/^stopped at step \([0-9]*\) .*/\1/p' out)
  exists "$run/checkpoints/step-$(printf %06d "${step:-0}").safetensors"
  # A run of 4,000 steps and one of more share their first checkpoints; this one goes on to the next multiple of 40.
  to=$((step / 40 * 40 + 40))
  expect 0 train --resume "$run" --steps $to
  says err "resuming from step $step of $to"
  expect 0 train tiny.yaml "${options[@]}" --steps $to --seed 3 --out "$run-straight"
  same "$run/checkpoints/step-$(printf %06d $to).safetensors" "$run-straight/checkpoints/step-$(printf %06d $to).safetensors"
done

# A damaged checkpoint: the one before it is used, with a warning, and the damaged one is set aside; the bits are the
# same again. Where every one is damaged, the run is refused.
damage() { printf '\377\377\377\377' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") / 2)) conv=notrunc status=none; }
expect 0 train tiny.yaml "${options[@]}" --steps 200 --seed 3 --out damaged
expect 0 train tiny.yaml "${options[@]}" --steps 200 --seed 3 --out truncated
cp damaged/checkpoints/step-000200.safetensors whole.safetensors
rm damaged/checkpoints/best.safetensors # the same file as the last one
damage damaged/checkpoints/step-000200.safetensors
truncate -s -100 truncated/checkpoints/step-000200.safetensors
truncate -s 5 truncated/checkpoints/step-000160.safetensors
for run in damaged:160 truncated:120; do
  expect 0 train --resume "${run%:*}"
  says err "step-000200.safetensors cannot be used; falling back to step-000${run#*:}.safetensors" "E503" \
    "resuming from step ${run#*:} of 200"
  same "${run%:*}/checkpoints/step-000200.safetensors" whole.safetensors
  exists "${run%:*}/checkpoints/step-000200.safetensors.corrupt"
done
for file in damaged/checkpoints/step-*.safetensors; do damage "$file"; done
expect 1 train --resume damaged
says err "E503" "step-000200.safetensors"
expect 1 eval damaged --newest --json
[ "$(json /errors/0/code)" = E503 ] || fail "eval of a damaged run does not say E503"
finish
