#!/usr/bin/env bash
# What verbs do with data: where items come from, one defined way of --data and --set, what was run, whole recordings, other
# rates, what is given of an input.
. "$(dirname "$0")/lib.sh"

# Six recordings of 8,000 Hz, of noise.
cat >noise.yaml <<'YAML'
version: 1
graph: noise
nodes:
  x:    {type: input, shape: [512, 1]}
  y:    {type: activation, in: x, function: tanh}
losses: {l: {type: squared_error, in: {x: y, target: x}}}
generate: {sample: {draw: {x: {type: standard_normal}}, show: y}}
YAML
mkdir low high
expect 0 sample noise.yaml --count 6 --separate --rate 8000 --out low/a.wav
expect 0 sample noise.yaml --count 2 --separate --rate 16000 --out high/b.wav
expect 0 sample noise.yaml --count 3 --rate 8000 --out long.wav
[ "$(ls low | wc -l)" -eq 6 ] || fail "not six recordings"

cat >sound.yaml <<'YAML'
version: 1
graph: sound
vars: {length: 256}
nodes:
  x:    {type: input, shape: ["${length}", 1]}
  code: {type: conv, in: x, filters: 2, kernel: 4, stride: 4}
  mean: {type: conv_transpose, in: code, filters: 1, kernel: 4, stride: 4}
losses: {l: {type: squared_error, in: {x: mean, target: x}}}
train: {batch: 4, steps: 900}
generate: {encode: {show: code}, reconstruct: {show: mean}, decode: {feed: code, show: mean}}
YAML
# --data stands in place of the document's data, --set data.KEY on top of it; the run says what was run.
expect 0 train sound.yaml --data audio:low,length=512 --set data.length=256 --set data.holdout=3 --steps 3 --out run
says run/graph.yaml "type: audio" "length: 256" "holdout: 3" "steps: 3"
says run/data.json '"sample_rate": 8000' '"rate": 8000'
expect 0 train sound.yaml --data audio:low,length=256 --set 'data={holdout: 2}' --steps 0 --out other
says other/graph.yaml "holdout: 2"
expect 65 train sound.yaml --data audio:low,length=256 --set data.holdou=2 --steps 0 --out third
says err "holdou" "did you mean 'holdout'"

# Where items come from.
expect 0 encode run --split all --out codes.csv
says codes.csv "origin,start,code[0],code[1]" "low/a-0.wav,0," "low/a-0.wav,256," "low/a-5.wav,256,"
[ "$(wc -l <codes.csv)" -eq 13 ] || fail "codes.csv has not a header and twelve rows"
expect 0 encode run --split all --out codes.npz
expect 0 decode run --codes codes.npz --out decoded.npy
expect 0 encode run --split all --out codes.npy
expect 0 decode run --codes codes.npy --out again.npy
same decoded.npy again.npy

# Another rate, and recordings of any length.
expect 65 encode run --data audio:high --split all --out no.npy
says err "16000 Hz" "8000 Hz" "resample"
expect 0 encode run --data audio:high,resample=true --split all --out resampled.npy
expect 0 reconstruct run --data audio:long.wav --split all --whole-recordings --out whole.wav
[ "$(wc -c <whole.wav)" -eq "$(wc -c <long.wav)" ] || fail "whole.wav is not as long as long.wav"
expect 0 reconstruct run --data audio:low --split all --whole-recordings --count 2 --out many.wav
[ -s many-a-0.wav ] && [ -s many-a-1.wav ] || fail "not a file for each recording"
expect 0 encode run --data audio:long.wav --split all --whole-recordings --out whole.npz
says out "[1, 384, 2]"
expect 0 encode run --data audio:long.wav,length=512 --split all --out longer.npy
says out "[128, 2]"

# The rate of the run, without its data.
mv low gone
expect 0 decode run --codes codes.npy --count 1 --out decoded.wav
od -An -t u4 -j 24 -N 4 decoded.wav | grep -qw 8000 || fail "decoded.wav has not the rate of the run"

# Every item of data, read and described.
expect 0 check audio:gone,length=256
says out "12 items" "x " "f32" "every item was read"
expect 0 check audio:"$work/gone",length=256 --json
has_json /items
expect 0 check sprites:size=8,count=20 --json --threads 1
has_json /items /items_per_s /columns/0/maximum /hash

# A validation split chooses the best.
tiny_graph tiny.yaml
expect 0 train tiny.yaml --steps 4 --set data.validation=5 --set train.eval_every=2 --out chosen
says err "validation" "held out for validation"
expect 0 eval chosen --split validation --json
expect 0 eval chosen --split test
expect 65 train tiny.yaml --steps 4 --set data.validation=nowhere --out unchosen
[ ! -e unchosen ] || fail "a run was written before its validation data were looked at"
cat >rows.yaml <<'YAML'
version: 1
graph: rows
nodes:
  x: {type: input, shape: [256, 1]}
  y: {type: linear, in: x, units: 1}
losses: {l: {type: squared_error, in: {x: y, target: x}}}
train: {batch: 4, steps: 2}
YAML
expect 65 train rows.yaml --data npy:decoded.npy,test=nowhere.npy --out unchosen
[ ! -e unchosen ] || fail "a run was written before its test file was looked at"
expect 65 reconstruct chosen --whole-recordings --out no.wav
says err "not recordings"
expect 65 eval chosen --data sprites:size=8 --split validation
says err "no validation split"

# What is given of an input is kept, the rest is drawn.
cat >bits.yaml <<'YAML'
version: 1
graph: bits
data: {type: npy, path: bits.npy}
nodes:
  x:      {type: input, shape: [16, 1]}
  known:  {type: input, shape: [16]}
  before: {type: shift, in: x, axis: 1, by: 1}
  logits: {type: conv, in: before, filters: 1, kernel: 3, padding: causal}
  drawn:  {type: bernoulli_sampler, in: logits}
  same:   {type: activation, in: x, function: identity}
losses: {l: {type: bernoulli_nll, in: {logits: logits, target: x}}}
generate:
  sample: {autoregressive: {input: x, from: drawn}, show: drawn}
  half:   {feed: x, autoregressive: {input: x, from: drawn, given: 8}, show: same}
  all:    {feed: x, autoregressive: {input: x, from: drawn, given: 16}, show: same}
  some:   {feed: [x, known], autoregressive: {input: x, from: drawn, given: known}, show: same}
YAML
expect 0 sample bits.yaml --count 40 --seed 3 --out bits.npy
expect 0 decode bits.yaml --name all --codes bits.npy --out all.npy
same bits.npy all.npy
expect 0 decode bits.yaml --name half --codes bits.npy --seed 9 --out half.npy
differ bits.npy half.npy
expect 0 decode bits.yaml --name half --codes bits.npy --seed 9 --whole --out whole.npy
same half.npy whole.npy
expect 65 validate bits.yaml --set generate.half.autoregressive.given=null
says err "E204" "thrown away" "given"
expect 65 validate bits.yaml --set generate.half.autoregressive.given=17
says err "more positions are given" "1 to 16"
expect 65 validate bits.yaml --set generate.half.autoregressive.given=logits
says err "an input node of 16 values"
finish
