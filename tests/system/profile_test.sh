#!/usr/bin/env bash
# bench --profile and train --trace: every node is there, the shares add up to one, and the trace is JSON of events in order.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml

expect 0 bench tiny.yaml --steps 20 --threads 2 --profile
says out 'ms/step' 'computed by' 'forward' 'backward' 'optimizer' 'the threads are idle for'
expect 0 bench tiny.yaml --steps 20 --threads 2 --profile --json
has_json /profile/ms_per_step /profile/idle
holds "$(json /profile/dropped) == 0"
shares=0
i=0
while share=$(json /profile/rows/$i/share 2>/dev/null); do
  shares="$shares + $share"
  i=$((i + 1))
done
holds "$i > 15"
holds "$shares > 0.999 && $shares < 1.001"
for node in encoder q z decoder losses/kl; do says out "\"node\": \"$node\""; done
holds "$(json /profile/idle) >= 0 && $(json /profile/idle) < 1"
expect 0 bench tiny.yaml --steps 5 --json
json /profile 2>/dev/null >profile && fail "a profile without --profile"

expect 2 bench tiny.yaml --sample --profile
says err E701 '--profile'

expect 0 train tiny.yaml --steps 12 --set train.eval_every=5 --out run --trace trace.json
json /traceEvents/0/name trace.json >/dev/null || fail "trace.json has no events"
says trace.json '"ph": "X"' '"cat": "forward"' '"cat": "backward"' '"cat": "data"' '"cat": "norm"' '"cat": "optimizer"' \
  '"cat": "evaluation"' '"cat": "checkpoint"' '"lane": 0' '"dropped spans": 0'
grep -qE '"(ts|dur)": -' trace.json && fail "a time before the start"
# A trace changes no bit.
expect 0 train tiny.yaml --steps 12 --set train.eval_every=5 --out plain
same run/checkpoints/step-000012.safetensors plain/checkpoints/step-000012.safetensors
expect 1 train tiny.yaml --steps 2 --out other --trace missing/trace.json
says err E505
finish
