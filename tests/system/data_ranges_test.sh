#!/usr/bin/env bash
# Values that a graph does not accept are refused before the first step, by the column and the item: also behind nodes
# that only change the shape, and for what a data set makes of them.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
expect 0 train tiny.yaml --steps 2 --out plain
expect 65 train tiny.yaml --steps 2 --set data.normalize_mean=0.5 --out shifted
says err "E106" "the column 'x' of 'sprites'" "outside of [0, 1]" "in item 0" "bernoulli_nll" "hint:"
[ ! -e shifted/checkpoints ] || [ -z "$(ls shifted/checkpoints)" ] || fail "a checkpoint was written"
expect 0 encode plain --out x.npy --port x --count 20
expect 0 eval plain --data npy:x.npy
expect 65 eval plain --data npy:x.npy,scale=1.5
says err "E106" "'x' of 'npy'"
finish
