#!/usr/bin/env bash
# Runs as a body of work: folders that are chosen, events for programs, runs, compare, report; runs that were stopped.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
quick=(--set train.eval_every=10 --set train.eval_limit=20 --set train.checkpoint_every=10 --batch 4 --threads 1)

# event NAME POINTER: a value of the last event of this name in ./out.
event() { grep "^{\"event\":\"$1\"" out | tail -n 1 >event.json && json "$2" event.json; }
equal() {
  checks=$((checks + 1))
  [ "$1" = "$2" ] || fail "$3: '$1', not '$2'"
}

# A sweep: three lines of shell. Each run has a folder of its own, also where two start at once.
for rate in 1e-2 1e-3; do
  "$GRAPH_RUNNER" train tiny.yaml "${quick[@]}" --steps 40 --set train.optimizer.lr=$rate --quiet >"sweep-$rate" 2>&1 &
done
wait
exists runs/tiny-1/run.json runs/tiny-2/run.json
expect 0 train tiny.yaml "${quick[@]}" --steps 20 --set losses.kl.weight=0.25 --json --log-every 0
exists runs/tiny-3/report.html

# Events: each line is an object, the terms have their weights, the last one is the result.
checks=$((checks + 1))
while read -r line; do
  printf '%s\n' "$line" >line.json
  json /event line.json >/dev/null || fail "a line is no event: $line"
done <out
equal "$(event started /run)" runs/tiny-3 "the run that started"
equal "$(event started /steps)" 20 "its steps"
equal "$(event step /step)" 20 "the last step"
equal "$(event step /terms/kl/weight)" 0.25 "the weight of kl"
equal "$(event evaluation /step)" 20 "the last evaluation"
equal "$(event checkpoint /path)" runs/tiny-3/checkpoints/step-000020.safetensors "the last checkpoint"
equal "$(event finished /completed)" true "the result"
equal "$(grep -c '"event":"evaluation"' out)" 2 "evaluations"
equal "$(tail -n 1 out | cut -c1-19)" '{"event":"finished"' "the last line"
holds "$(event step /loss) > $(event step /terms/reconstruction/value)"
expect 65 train tiny.yaml --set nodes.q.typ=linear --json
equal "$(wc -l <out)" 1 "lines of an error"
has_json /errors/0/code
expect 0 runs
checks=$((checks + 1))
[ ! -e runs/tiny-4 ] || fail "a training that did not start left a folder"

# Stopped by a signal and by ctl: samples, reconstructions and report are there, and made anew by `report`.
"$GRAPH_RUNNER" train tiny.yaml "${quick[@]}" --steps 100000000 --out runs/stopped >stopped.out 2>stopped.err &
training=$!
until [ -S runs/stopped/control.sock ] && [ -e runs/stopped/checkpoints ] || ! kill -0 $training; do sleep 0.05; done
sleep 0.5
expect 0 ctl runs/stopped status --json
has_json /loss /terms/kl /learning_rate /samples_per_s /seconds_left
expect 0 ctl runs/stopped status
says out "seconds_left" "samples_per_s"
expect 0 runs --json
says out '"state": "training"'
kill -TERM $training
wait $training
equal $? 143 "the exit code after SIGTERM"
exists runs/stopped/report.html runs/stopped/checkpoints/best.safetensors
says stopped.out "stopped at step" "runs/stopped/report.html"
rm runs/stopped/report.html
expect 0 report runs/stopped --json
equal "$(json /report)" runs/stopped/report.html "the report"
exists runs/stopped/report.html
expect 1 report no-such-run
says err "is not a run"

# ctl stop returns when the run can be resumed, also while the pictures are made.
"$GRAPH_RUNNER" train tiny.yaml "${quick[@]}" --steps 100000000 --out runs/told --quiet >told.out 2>told.err &
training=$!
until [ -S runs/told/control.sock ] || ! kill -0 $training; do sleep 0.05; done
expect 0 ctl runs/told stop --json
stopped_at=$(json /step)
expect 0 train --resume runs/told --steps $((stopped_at + 5)) --quiet
wait $training
equal $? 0 "the exit code after ctl stop"
exists runs/told/report.html
rm -r runs/told

# A look at the runs is no training: it keeps nobody from resuming one.
while :; do "$GRAPH_RUNNER" runs >/dev/null 2>&1; done &
looking=$!
for steps in 41 42 43 44 45; do expect 0 train --resume runs/tiny-1 --steps $steps --quiet; done
kill $looking
wait $looking 2>/dev/null

# Lists and comparisons.
expect 0 runs
says out "runs/tiny-1" "runs/stopped" finished stopped
expect 0 runs --json
equal "$(json /runs/0/run)" runs/stopped "the first run"
equal "$(json /runs/0/state)" stopped "its state"
equal "$(json /runs/3/steps)" 20 "steps of the last run"
mkdir -p runs/broken && echo '{' >runs/broken/run.json
expect 1 runs
says err "runs/broken cannot be read"
rm -r runs/broken
expect 0 compare runs/tiny-1 runs/tiny-3 --html both.html
says out losses.kl.weight 0.25 negative_elbo "+-"
says both.html "<svg" "runs/tiny-3" "losses.kl.weight"
expect 0 compare runs/tiny-1 runs/tiny-2 --json
equal "$(json /settings/objectives.main.optimizer.lr/0)$(json /settings/objectives.main.optimizer.lr/1 | cut -c1-2)" \
  "$([ "$(json /settings/objectives.main.optimizer.lr/0)" = 0.01 ] && echo 0.010. || echo 0.0010.)" "learning rates"
expect 0 compare runs/tiny-1 runs/tiny-2 --csv
equal "$(wc -l <out)" 3 "lines of CSV"
expect 1 compare runs/tiny-1 missing-1 missing-2
says err missing-1 missing-2
expect 0 metrics runs/tiny-3 --jsonl --name total_loss --after 19
equal "$(wc -l <out)" 2 "lines of the curve"
expect 2 metrics runs/tiny-3 --jsonl --csv

# Shipped graphs by their names.
expect 0 train vae --steps 1 --batch 2 --set train.eval_limit=4 --quiet
exists runs/vae-1/run.json
expect 0 inspect ppca
expect 0 render beta-vae
says out "graph: beta-vae"
printf 'extends: vae\ngraph: mine\nlosses: {kl: {weight: 4}}\n' >mine.yaml
expect 0 validate mine.yaml
expect 65 train vea
says err "did you mean 'vae'?"
expect 0 list
says out "  wae-mmd " "  vae-gan "
expect 0 list --json
has_json /graphs/3/name /graphs/3/doc

# Standard input and output, and what each verb says to programs.
expect 0 sample runs/tiny-1 --count 3 --out three.npy --json
equal "$(json /out) $(json /shape/0) $(json /shape/1)" "three.npy 3 16" "sample --json"
expect 0 sample runs/tiny-1 --count 3 --out -
same out three.npy
says err "3 samples of"
expect 0 reconstruct runs/tiny-1 --count 2 --out r.png --json
equal "$(json /split) $(json /shape/0)" "test 2" "reconstruct --json"
expect 0 encode runs/tiny-1 --split test --count 4 --out z.npy
expect 0 decode runs/tiny-1 --codes z.npy --out decoded.npy --json
equal "$(json /shape/0)" 4 "decode --json"
expect 0 decode runs/tiny-1 --codes - --out - <z.npy
same out decoded.npy
expect 65 decode runs/tiny-1 --codes - --out x.npy <tiny.yaml
says err stdin
expect 0 traverse runs/tiny-1 --steps 3 --out t.npy --json
equal "$(json /dimensions/2) $(json /shape/0)" "2 9" "traverse --json"
expect 0 interpolate runs/tiny-1 --pairs 1 --steps 4 --out i.npy --json
equal "$(json /shape/0)" 4 "interpolate --json"
expect 0 new-plugin acme.thing --out thing --json
equal "$(json /type)" acme.thing "new-plugin --json"
expect 0 validate - <tiny.yaml
expect 0 inspect - <tiny.yaml
expect 0 train - --steps 3 --out piped --quiet <tiny.yaml
expect 0 train --resume piped --steps 5 --quiet
expect 65 validate - <<<"version: 1"
says err "-:1:1"
expect 2 train - --watch --out watched <tiny.yaml
says err "cannot be watched"
finish
