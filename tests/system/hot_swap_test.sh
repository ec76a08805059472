#!/usr/bin/env bash
# A training that is changed while it runs: by its files, by commands; and what it looks like when nothing has changed.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/hot_swap_lib.sh"
zoo_graph zoo.yaml
swaps=${HOT_SWAPS:-12}

# The same plugin, rebuilt, at random steps: not a bit differs, no step is lost.
begin run
for i in $(seq "$swaps"); do
  ctl 0 run reload "$plugin"
  sleep "0.0$((RANDOM % 10))"
done
ctl 0 run status --json
holds "$(json /swaps) == $swaps"
holds "$(json /open_libraries) <= 2"
stop run
same_as_untouched run

# Checkpoints come and go all the time: a trial whose own is gone takes a newer one.
begin often --set train.checkpoint_every=1 --set train.keep=1
for i in $(seq "$swaps"); do ctl 0 often set "losses.error.weight=1.$i"; done
ctl 0 often status --json
holds "$(json /swaps) == $swaps"
stop often

# wait_for_swaps RUN COUNT: until so many changes have been taken.
wait_for_swaps() {
  local tries=0
  until ctl 0 "$1" status --json && [ "$(json /swaps)" -ge "$2" ]; do
    sleep 0.1
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { fail "change $2 is not taken: $(json /swaps)"; cat "$1.err"; return; }
  done
}

# Files: another formula in the plugin, a weight, a layer, an optimizer, a new loss; then a broken file, a whole one.
begin live --watch
behave other-formula
wait_for_swaps live 1
sed -i 's/target: flat}}/target: flat}, weight: 0.5}/' zoo.yaml
wait_for_swaps live 2
sed -i 's/activation: relu/activation: silu/' zoo.yaml
wait_for_swaps live 3
sed -i 's/type: adam, lr: 1.0e-3/type: sgd, lr: 1.0e-4/' zoo.yaml
wait_for_swaps live 4
sed -i 's/units: 16,/units: 17,/' zoo.yaml # another shape: refused
until ctl 0 live status --json && [ "$(json /refused)" -ge 1 ]; do sleep 0.1; done
says live.err E807 "hidden.weight" "reinitialise"
sed -i 's/checkpoint_every: 0/checkpoint_every: 0, reinitialise: [hidden, out]/' zoo.yaml
wait_for_swaps live 5
sed -i 's/type: linear/type: linaer/' zoo.yaml
until ctl 0 live status --json && [ "$(json /refused)" -ge 2 ]; do sleep 0.1; done
says live.err E201 "did you mean"
sed -i 's/type: linaer/type: linear/' zoo.yaml
ctl 0 live status --json
holds "$(json /swaps) == 5"

# Commands.
ctl 0 live set losses.error.weight=2 --json
has_json /what /step /graph_hash
ctl 0 live swap hidden linear units=17 activation=elu
ctl 1 live swap hiden linear units=17
says err E802 "hidden"
ctl 1 live set losses.eror.weight=2
says err E116 "error"
ctl 1 live set train.batch=8
says err E807 batch
ctl 1 live fly
says err E802 "status"
ctl 0 live checkpoint
says out .safetensors
ctl 0 live pause --json
paused_at=$(json /step)
sleep 0.3
ctl 0 live status --json
holds "$(json /step) == $paused_at"
ctl 0 live set losses.error.weight=3 --json
holds "$(json /step) == $paused_at"
ctl 0 live resume
sleep 0.3
ctl 0 live status --json
holds "$(json /step) > $paused_at"
holds "$(json /swaps) == 8"
[ "$(stat -c %a live/control.sock)" = 600 ] || fail "others may use the socket"
hash=$(json /graph_hash)

# Killed at once: the run resumes with the graph that it had.
kill -KILL $training
wait $training 2>/dev/null
says live/graph.yaml "weight: 3" "elu" "sgd"
ctl 1 live status
says err E801
expect 0 inspect live
expect 0 train --resume live --steps "$((paused_at + 20))" --json
# A plugin with another parameter, the graph as it was: the run resumes with it, too. Edits made meanwhile are taken up.
begin grown
behave more-parameters
ctl 0 grown reload "$plugin"
says out "losses/error.scale"
kill -KILL $training
wait $training 2>/dev/null
sed -i 's/weight: 0.5/weight: 0.25/' zoo.yaml
"$GRAPH_RUNNER" train --resume grown --watch --log-every 1000 >grown.out 2>grown.err &
training=$!
# Not until the socket is there: the killed one left its own.
until "$GRAPH_RUNNER" ctl grown status >/dev/null 2>&1 || ! kill -0 $training 2>/dev/null; do sleep 0.05; done
wait_for_swaps grown 1
says grown.err "losses.error.weight is 0.25 instead of 0.5"
stop grown

[ -e live/control.sock ] && fail "a socket is left behind"
exists live/report.html
says live/report.html "History" "swapped" "refused" "resumed" 'class="mark"'
finish
