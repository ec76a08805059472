#!/usr/bin/env bash
# A recording whose values do not fit into the memory that a process may have is computed in windows; what cannot be cut says
# so; recordings of one name do not overwrite each other; nothing is left behind by a failure.
. "$(dirname "$0")/lib.sh"

# wav FRAMES: 16 bits, 8,000 Hz.
wav() {
  local bytes=$((2 * $1))
  local word='\\%03o\\%03o\\%03o\\%03o'
  little() { printf "$(printf "$word" $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
  printf RIFF; little $((bytes + 36))
  printf 'WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data'; little $bytes
  seq 1 $bytes | head -c $bytes
}
mkdir speech speech/a speech/b
for name in a/x b/x b/y; do wav 1024 >speech/$name.wav; done
frames=9600000
wav $frames >long.wav

cat >sound.yaml <<'YAML'
version: 1
graph: sound
nodes:
  x:    {type: input, shape: [512, 1]}
  a:    {type: conv, in: x, filters: 64, kernel: 5, padding: same, activation: relu}
  b:    {type: conv, in: a, filters: 64, kernel: 3, dilation: 4, padding: same, activation: relu}
  code: {type: conv, in: b, filters: 4, kernel: 8, stride: 8}
  mean: {type: conv_transpose, in: code, filters: 1, kernel: 8, stride: 8}
losses: {l: {type: squared_error, in: {x: mean, target: x}}}
train: {batch: 2, steps: 1}
generate: {encode: {show: code}, reconstruct: {show: mean}}
YAML
expect 0 train sound.yaml --data audio:speech,length=512 --out run
sed 's/code: {type: conv, in: b/norm: {type: group_norm, in: b, groups: 2}\n  code: {type: conv, in: norm/' sound.yaml >norm.yaml
expect 0 train norm.yaml --data audio:speech,length=512 --out normed

expect 0 encode run --split all --whole-recordings --out all.npz
says out "a-x.code: [1, 128, 4]" "b-x.code" "y.code"
expect 0 reconstruct run --split all --whole-recordings --out all.wav
[ -s all-a-x.wav ] && [ -s all-b-x.wav ] && [ -s all-y.wav ] || fail "not a file for each recording"

# A failure removes what was written on the way.
cp -r speech more
wav 4096 >more/b/z.wav
mkdir none
(
  trap '' XFSZ
  ulimit -f 4 # KiB: the arrays of the first three recordings are shorter, that of the last one is not
  "$GRAPH_RUNNER" encode run --data audio:more --split all --whole-recordings --out none/codes.npz 2>&1
) | cat >out
says out "b-x.code" "cannot write"
[ -z "$(ls none)" ] || fail "files are left: $(ls none)"

# In the units of the data: an input that is shown as it is gives the recording again, within a step of 16 bits.
expect 0 train sound.yaml --data audio:speech,length=512,normalize=dataset --set 'generate.copy={show: x}' --out scaled
samples() { od -An -v -t d2 -j 44 -w2 "$1"; }
wav 20000 >middle.wav
for file in speech/a/x.wav middle.wav; do
  expect 0 reconstruct scaled --name copy --data audio:$file --split all --whole-recordings --out copy.wav
  paste <(samples copy.wav) <(samples $file) | awk '{ d = $1 - $2; if (d > 1 || d < -1) bad = 1 } END { exit bad || NR < 1024 }' ||
    fail "copy.wav is not $file"
done

# With what the executable takes for itself, less than one layer of the whole recording: 2.4 GB.
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
grep -qs '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && finish
(ulimit -v 3000000) || skip "the memory of a process cannot be limited here"
ulimit -v 3000000
expect 0 encode run --data audio:long.wav --split all --whole-recordings --threads 2 --out long.npz
says out "code: [1, 1200000, 4]"
expect 0 reconstruct run --data audio:long.wav --split all --whole-recordings --threads 2 --out longer.wav
[ "$(wc -c <longer.wav)" -eq "$(wc -c <long.wav)" ] || fail "longer.wav is not as long as long.wav"
"$GRAPH_RUNNER" encode normed --data audio:long.wav --split all --whole-recordings --threads 2 --out no.npz >out 2>err
says err "memory grows with their length" "the node 'norm' (group_norm) may read all positions"
[ -z "$(ls | grep tmp)" ] || fail "files are left: $(ls)"
finish
