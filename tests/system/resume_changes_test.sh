#!/usr/bin/env bash
# Resumed with changes: with another rate, batch, data or graph, recorded and refused; and then without, with the bits of a
# run that was never stopped. Weights from another run. SIGUSR1.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
options=(--lanes 2 --shard 4 --threads 1 --set train.eval_limit=20)
checkpoint() { printf '%s/checkpoints/step-%06d.safetensors' "$1" "$2"; }
tensors_of() { tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1"; }
same_tensors() {
  tensors_of "$1" >one.bin
  tensors_of "$2" >other.bin
  exists one.bin
  same one.bin other.bin
}
state_of() { (cd "$1" && find . -type f ! -name .lock ! -path './cache/*' -exec md5sum {} + | sort -k 2); }

# begin RUN ARGUMENT...: a training in the background, as $training, once it listens.
begin() {
  local run=$1
  shift
  "$GRAPH_RUNNER" train "$@" >"$run.out" 2>"$run.err" &
  training=$!
  for _ in $(seq 600); do
    "$GRAPH_RUNNER" ctl "$run" status >/dev/null 2>&1 && return
    kill -0 $training 2>/dev/null || break
    sleep 0.05
  done
  fail "the training does not begin"
  cat "$run.err"
  finish
}

# Another rate on resume is what `ctl set` does between the same two steps.
begin live tiny.yaml "${options[@]}" --steps 100000000 --set train.checkpoint_every=0 --out live
expect 0 ctl live pause --json
at=$(json /step)
expect 0 ctl live set train.optimizer.lr=1e-2
expect 0 ctl live resume
sleep 0.5
expect 0 ctl live stop --json
to=$(json /step)
wait $training
expect 0 train tiny.yaml "${options[@]}" --steps "$at" --set train.checkpoint_every=0 --out rested
expect 0 train --resume rested --steps "$to" --set train.optimizer.lr=1e-2 --threads 1
says err "resuming from step $at of $to" "changed: optimizer.lr is 0.01 instead of 0.001" "tensors carried over"
same_tensors "$(checkpoint live "$to")" "$(checkpoint rested "$to")"
says rested/graph.yaml "lr: 0.01" "steps: $to"
says rested/report.html "resumed" "swapped" "train --resume --set train.optimizer.lr=1e-2 --steps $to" \
  "optimizer.lr is 0.01 instead of 0.001; train.steps is $to"
[ -e rested/graphs/change.json ] && fail "a note of the change is left behind"

# Changed, killed at random moments and resumed without the change: the bits of the run that was changed and never killed.
expect 0 train tiny.yaml "${options[@]}" --steps 300 --out base
RANDOM=7
for change in "--set train.optimizer.lr=1e-4 --set losses.kl.weight=2" "--batch 24" "--lanes 3" "--shard 2" \
  "--data sprites:size=16,count=250"; do
  read -ra words <<<"$change"
  name=$(tr -cd 'a-z0-9' <<<"$change")
  cp -r base "whole-$name"
  cp -r base "killed-$name"
  expect 0 train --resume "whole-$name" --steps 1500 --threads 1 "${words[@]}"
  cp err "$name.err"
  "$GRAPH_RUNNER" train --resume "killed-$name" --steps 1500 "${words[@]}" >out 2>&1 &
  training=$!
  # Not before the change is written: until then the run is as it was.
  until "$GRAPH_RUNNER" ctl "killed-$name" status >/dev/null 2>&1 || ! kill -0 $training 2>/dev/null; do sleep 0.02; done
  for _ in 1 2 3; do
    sleep "0.$(printf %03d $((RANDOM % 300)))"
    kill -KILL $training 2>/dev/null
    wait $training 2>/dev/null
    "$GRAPH_RUNNER" train --resume "killed-$name" >out 2>&1 &
    training=$!
  done
  wait $training || fail "the resume after a kill ended with $?: $(tail -n 3 out)"
  same "$(checkpoint "whole-$name" 1500)" "$(checkpoint "killed-$name" 1500)"
  differ "$(checkpoint "whole-$name" 1500)" base/checkpoints/step-000300.safetensors
done
says batch24.err "train.batch is 24 instead of 16" "the order of the data starts anew"
says lanes3.err "the number of lanes is 3 instead of 2"
says shard2.err "the shard is 2 instead of 4"
says datasprites*.err "data is sprites" "the order of the data starts anew"
exists whole-datasprites*/checkpoints/best-until-000300.safetensors
says whole-batch24/run.json '"batch": 24'

# Killed while most of the time goes into evaluations: the same bits, the same curves, the same best checkpoint.
often=(--lanes 2 --shard 4 --set train.eval_every=15 --set train.checkpoint_every=40 --set data.count=4000 --steps 300)
expect 0 train tiny.yaml "${often[@]}" --out whole-often
killed=0
while [ $killed -lt 8 ]; do
  if [ -e killed-often/run.json ]; then
    "$GRAPH_RUNNER" train --resume killed-often >out 2>&1 &
  else
    "$GRAPH_RUNNER" train tiny.yaml "${often[@]}" --out killed-often >out 2>&1 &
  fi
  training=$!
  sleep "0.$(printf %03d $((100 + RANDOM % 500)))"
  kill -KILL $training 2>/dev/null
  wait $training 2>/dev/null
  killed=$((killed + 1))
done
expect 0 train --resume killed-often
# The checkpoint of an evaluation that was cut off stays: training was resumed from it. It takes the place of the oldest one.
ls whole-often/checkpoints >whole.list
ls killed-often/checkpoints >killed.list
for name in $(comm -12 whole.list killed.list); do same {whole,killed}-often/checkpoints/"$name"; done
exists {whole,killed}-often/checkpoints/{step-000300,best}.safetensors
grep step whole.list | head -n "$(comm -13 whole.list killed.list | wc -l)" >oldest.list
same oldest.list <(comm -23 whole.list killed.list)
for name in $(comm -13 whole.list killed.list); do
  step=$((10#$(tr -cd 0-9 <<<"$name")))
  [ $((step % 15)) = 0 ] || fail "$name is neither due nor of an evaluation"
done
expect 0 metrics whole-often
mv out whole.csv
expect 0 metrics killed-often
mv out killed.csv
same whole.csv killed.csv

# Killed at random moments of the change itself: the run is as it was, or changed.
change=(--steps 340 --set train.optimizer.lr=1e-2 --batch 24 --lanes 3)
cp -r base as-it-was
expect 0 train --resume as-it-was --steps 340
cp -r base changed
expect 0 train --resume changed "${change[@]}"
was=0
for i in $(seq 12); do
  cp -r base cut
  "$GRAPH_RUNNER" train --resume cut "${change[@]}" >out 2>&1 &
  training=$!
  sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
  kill -KILL $training 2>/dev/null
  wait $training 2>/dev/null
  expect 0 train --resume cut --steps 340
  [ -e cut/graphs/change.json ] && fail "a note of the change is left behind"
  tensors_of "$(checkpoint cut 340)" >cut.bin
  tensors_of "$(checkpoint as-it-was 340)" >was.bin
  tensors_of "$(checkpoint changed 340)" >changed.bin
  checks=$((checks + 1))
  if cmp -s cut.bin was.bin; then
    was=$((was + 1))
  else
    cmp -s cut.bin changed.bin || fail "a change that was cut off at $i left something between"
  fi
  rm -r cut
done
echo "$was of 12 changes that were killed did not take place"

# Refused: every file is as it was.
refused() {
  local code=$1 text=$2
  shift 2
  state_of base >before
  expect "$code" train --resume base "$@"
  says err "$text"
  state_of base >after
  same before after
}
refused 1 E807 --set nodes.encoder.units=20
refused 65 E201 --set losses.kl.type=gausian_kl
refused 65 E116 --set losses.lk.weight=2
refused 1 E807 --seed 5
says err "the seed of a run cannot change" "--init"
refused 2 "already done 300" --steps 200 --set train.optimizer.lr=1
refused 1 E806 --set losses.kl.weight=1e60
refused 65 "" --data npy:missing.npy
refused 65 "" --data sprites:size=32,count=250
expect 2 train --resume base --out elsewhere
says err "--out"
expect 0 train --resume base --steps 301 --threads 1 # and it resumes as before
expect 0 train tiny.yaml "${options[@]}" --steps 301 --out straight
same_tensors "$(checkpoint base 301)" "$(checkpoint straight 301)"

# `vars` of the graph's file, as long as the file is what the run was started with; then the run's own document.
cp -r base with-vars
expect 0 train --resume with-vars --steps 310 --set vars.hidden=24 --set 'train.reinitialise=[encoder, q, decoder, logits]'
says err "start with initial values"
sed -i 's/activation: relu/activation: tanh/' tiny.yaml
expect 0 train --resume base --steps 310 --set train.optimizer.lr=1e-4
says base/graph.yaml relu
tiny_graph tiny.yaml

# Files whose content has changed.
cat >table.yaml <<'YAML'
version: 1
graph: table
nodes:
  x:    {type: input, shape: [4]}
  code: {type: linear, in: x, units: 2}
  out:  {type: linear, in: code, units: 4}
losses: {fit: {type: squared_error, in: {x: out, target: x}}}
train: {batch: 10, steps: 40, eval_every: 20}
YAML
# array FILE SEED ITEMS
array() { expect 0 encode table.yaml --port x --data "gaussian:features=4,count=$3,seed=$2" --split train --out "$1"; }
array x.npy 1 100
expect 0 train table.yaml --data npy:x.npy --threads 1 --out content
cp -r content longer
array x.npy 2 100
state_of content >before
expect 1 train --resume content --steps 60
says err E504 "--accept-data"
state_of content >after
expect 0 train --resume content --steps 60 --accept-data --threads 1
says err "the content of the data is"
grep -q "starts anew" err && fail "the order starts anew for as many items"
says content/report.html "train --resume --accept-data --steps 60" "the content of the data is"
expect 0 train --resume content --steps 80 # and it is the run's data from then on
array x.npy 3 70
expect 0 train --resume longer --steps 60 --accept-data --threads 1
says err "the order of the data starts anew"
array y.npy 4 50
expect 0 train --resume longer --steps 80 --data npy:y.npy --threads 1
says longer/run.json y.npy
expect 0 eval longer

# A document that was edited by hand is noticed.
cp -r straight edited
sed -i 's/lr: 0.001/lr: 0.002/' edited/graph.yaml
expect 0 train --resume edited --steps 310
says err "the document has changed since this checkpoint was written"
says edited/report.html "graph.yaml has been edited since"

# The weights of another run, whose latent space is another; those of a file with other names.
expect 0 train tiny.yaml "${options[@]}" --steps 40 --set vars.latent=5 --set train.average=0.9 --init straight --out wider
says err "loaded 5 of 8 parameters from straight/checkpoints/best.safetensors (step" "of another shape: " \
  "q.weight [10, 16] has F32 [6, 16] in the file"
says wider/run.json best.safetensors '"step": '
says wider/report.html "initialised" "loaded 5 of 8"
expect 0 train tiny.yaml "${options[@]}" --steps 0 --init straight --newest --out newest
says err "straight/checkpoints/step-000301.safetensors (step 301)"
expect 0 train tiny.yaml "${options[@]}" --steps 0 --init wider --set vars.latent=5 --out averaged
says err "moving averages" "loaded 8 of 8"
expect 1 train table.yaml --data npy:y.npy --init straight --out nothing
says err E504 "none of the 4 parameters" "--rename"
[ -e nothing/run.json ] && fail "a run was made"
expect 0 train table.yaml --data npy:y.npy --steps 0 --out plain
sed 's/code:/first:/; s/in: code/in: first/' table.yaml >renamed.yaml
expect 0 train renamed.yaml --data npy:y.npy --steps 0 --init plain --rename code=first --out renamed
says err "loaded 4 of 4"
expect 1 train renamed.yaml --data npy:y.npy --steps 0 --init plain --rename codes=first --out renamed-2
says err "'codes' names nothing in" "code"
expect 2 train renamed.yaml --data npy:y.npy --steps 0 --newest --out renamed-3
expect 2 train --resume straight --init base

# SIGUSR1 writes a checkpoint, and training continues.
begin usr1 tiny.yaml "${options[@]}" --steps 100000000 --set train.checkpoint_every=0 --out usr1
kill -USR1 $training
for _ in $(seq 200); do ls usr1/checkpoints/step-*.safetensors >/dev/null 2>&1 && break; sleep 0.05; done
written=$(basename "$(ls usr1/checkpoints/step-*.safetensors)" .safetensors)
sleep 0.2
expect 0 ctl usr1 status --json
holds "$(json /step) > $((10#${written#step-}))"
kill -TERM $training
wait $training
[ $? -eq 143 ] || fail "SIGTERM after SIGUSR1"
says usr1.err "SIGUSR1" "writing a checkpoint after this step"
# Under nohup SIGHUP is ignored; a second checkpoint of the same step is not written.
(trap '' HUP; exec "$GRAPH_RUNNER" train --resume usr1 --steps 100000000 >out 2>err) &
training=$!
for _ in $(seq 200); do "$GRAPH_RUNNER" ctl usr1 status >/dev/null 2>&1 && break; sleep 0.05; done
kill -HUP $training
sleep 0.3
expect 0 ctl usr1 pause
expect 0 ctl usr1 checkpoint --json
first=$(stat -c %i "$(json /checkpoint)")
expect 0 ctl usr1 checkpoint --json
[ "$first" = "$(stat -c %i "$(json /checkpoint)")" ] || fail "the same step was written twice"
expect 0 ctl usr1 stop
wait $training
checks=$((checks + 1))
[ $? -eq 0 ] || fail "a training under nohup ended by SIGHUP"
finish
