#!/usr/bin/env bash
# The curves of a run as CSV and JSON: the values that the SQLite file holds, and what is refused.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
expect 0 train tiny.yaml --steps 30 --set train.eval_every=10 --out run

expect 0 metrics run
[ "$(head -n 1 out)" = "name,split,step,value" ] || fail "the header is $(head -n 1 out)"
for name in total_loss learning_rate gradient_norm; do
  checks=$((checks + 1))
  [ "$(grep -c "^$name,train," out)" = 30 ] || fail "$name has $(grep -c "^$name,train," out) values, not one per step"
done
[ "$(grep -c "^total_loss,test," out)" = 3 ] || fail "$(grep "^total_loss,test," out)"
cp out all.csv

# Numbers are printed with all their digits: the CSV and the JSON agree, and so does a part with the whole.
expect 0 metrics run --name total_loss --json
[ "$(json /curves/1/name)" = total_loss ] || fail "the second curve is $(json /curves/1/name)"
checks=$((checks + 1))
for curve in 0 1; do
  split=$(json /curves/$curve/split)
  last=$(grep "^total_loss,$split," all.csv | tail -n 1)
  at=$(($(grep -c "^total_loss,$split," all.csv) - 1))
  [ "$last" = "total_loss,$split,$(json /curves/$curve/steps/$at),$(json /curves/$curve/values/$at)" ] || fail "$last"
done
expect 0 metrics run --name learning_rate --after 28
[ "$(tail -n +2 out)" = "$(grep '^learning_rate,train,\(29\|30\),' all.csv)" ] || fail "--after 28: $(cat out)"
expect 0 metrics run --after 30
[ "$(cat out)" = "name,split,step,value" ] || fail "--after the last step: $(cat out)"

# A run that diverged keeps the curves up to the step that failed.
expect 1 train tiny.yaml --steps 30 --set train.optimizer.lr=1e30 --set train.skip_limit=1 --out diverged
expect 0 metrics diverged --name total_loss
checks=$((checks + 1))
[[ "$(tail -n +2 out)" =~ ^total_loss,train,1,[0-9.]+$ ]] || fail "$(cat out)"

expect 2 metrics run --name total_los --name learning_rat
says err "'total_los'" "did you mean 'total_loss'?" "did you mean 'learning_rate'?"
expect 2 metrics run --after -1
expect 1 metrics no-such-run
says err "E502" "no-such-run"
expect 2 metrics
finish
