#!/usr/bin/env bash
# A trained graph as a node of another: its weights are loaded and stay as they are, what it makes of the data is
# computed once, the run that uses it stands alone, and codes go to files and back.
. "$(dirname "$0")/lib.sh"

tiny_graph vae.yaml
expect 0 train vae.yaml --steps 60 --out vae
expect 0 train vae.yaml --steps 90 --seed 2 --out other
cat >prior.yaml <<'YAML'
version: 1
graph: prior
doc: A small network on the codes of a trained autoencoder.
data: {type: sprites, size: 16, count: 400}
vars: {run: vae}
nodes:
  vae:    {use: "${run}", weights: "${run}", frozen: true}
  hidden: {type: linear, in: vae/q.mu, units: 8, activation: relu}
  mean:   {type: linear, in: hidden, units: 3}
losses:
  fit: {type: squared_error, in: {x: mean, target: vae/q.mu}}
train: {batch: 16, steps: 30, eval_every: 10, checkpoint_every: 10}
generate:
  sample:      {draw: {vae/z: {type: standard_normal}}, show: vae/image}
  reconstruct: {show: vae/image}
  decode:      {feed: vae/z, show: vae/image}
  encode:      {show: vae/q.mu}
YAML
expect 0 validate prior.yaml

# Computed once, said with its size; kept in the run.
expect 0 train prior.yaml --out prior
says err "computing vae/q.mu once" "of the split 'train'" "of the split 'test'" "kept in prior/cache: "
[ "$(ls prior/cache/*.npy | wc -l)" -eq 2 ] || fail "prior/cache does not hold one file a split"
says prior/run.json '"nodes": "vae/"' '"hash": "crc32:' "$work/vae/checkpoints/best.safetensors"
holds "$(grep -c "weights:" prior/graph.yaml) == 0"

# From the graph file the weights are loaded, too: what it shows is what the run it uses shows.
expect 0 encode vae --count 8 --out mu.npy
expect 0 run vae --feed z=mu.npy --fetch image=a.npy
expect 0 run prior.yaml --feed vae/z=mu.npy --fetch vae/image=b.npy
same a.npy b.npy
expect 0 run prior --feed vae/z=mu.npy --fetch vae/image=c.npy
same a.npy c.npy
expect 0 reconstruct prior.yaml --count 4 --out b-pairs.npy
expect 0 reconstruct prior --count 4 --out c-pairs.npy
same b-pairs.npy c-pairs.npy

# A training that is changed while it runs: its nodes keep the weights that they have, and the record of them.
"$GRAPH_RUNNER" train prior.yaml --out changed --steps 100000000 --set train.eval_every=0 --set train.checkpoint_every=0 \
  >changed.out 2>&1 &
training=$!
until "$GRAPH_RUNNER" ctl changed status >/dev/null 2>&1 || ! kill -0 $training 2>/dev/null; do sleep 0.05; done
expect 0 ctl changed set losses.fit.weight=2
expect 0 ctl changed stop
wait $training
says changed/graph.yaml "weight: 2"
says changed/run.json '"nodes": "vae/"' '"hash": "crc32:'
expect 0 run changed --feed vae/z=mu.npy --fetch vae/image=changed.npy
same a.npy changed.npy

# A run stands alone: without the run it uses it goes on to the same bits, is evaluated and sampled.
expect 0 train prior.yaml --steps 15 --out cut
expect 0 train prior.yaml --steps 0 --out begun
mv vae elsewhere
expect 65 validate prior.yaml
says err "E109" "vae"
rm -r cut/cache # made again, with the same bits
expect 0 train --resume cut --steps 30 --threads 1
says cut/run.json '"nodes": "vae/"'
same cut/checkpoints/step-000030.safetensors prior/checkpoints/step-000030.safetensors
expect 0 train --resume begun --steps 30
same begun/checkpoints/step-000030.safetensors prior/checkpoints/step-000030.safetensors
expect 0 sample prior --count 4 --out sample.png
is_png sample.png
expect 0 eval prior --json
loss=$(json /terms/fit)
expect 0 eval prior --json
[ "$(grep -c computing err)" -eq 0 ] || fail "the cache is not used by eval"
rm -r prior/cache
expect 0 eval prior --json
says err "computing vae/q.mu once"
holds "$(json /terms/fit) == $loss"

# A corrupt file is made again, with a line that says so.
printf 'x' | dd of="$(ls prior/cache/test*.npy)" bs=1 seek=400 conv=notrunc 2>/dev/null
expect 0 eval prior --json
says err "is corrupt and is made again" "computing vae/q.mu once"
holds "$(json /terms/fit) == $loss"

# Other weights have other codes: what there is is not used.
mv elsewhere vae
expect 0 train prior.yaml --set vars.run=other --out second
expect 0 eval second --json
other=$(json /terms/fit)
expect 0 eval prior --weights second/checkpoints/best.safetensors --json
says err "computing vae/q.mu once" "removed test.vae_q.mu."
holds "$(json /terms/fit) == $other"
holds "$other != $loss"

# encode and decode.
expect 0 encode vae --count 8 --out mu.npy
says out "q.mu: 8 items of [3] f32"
expect 0 encode prior --count 8 --out again.npy
same mu.npy again.npy
expect 0 encode vae --count 8 --port q.mu --port encoder --out both.npz
expect 0 decode prior --codes mu.npy --out shown.npy
expect 0 run prior --feed vae/z=mu.npy --fetch vae/image=fetched.npy
same shown.npy fetched.npy
expect 0 decode prior --codes mu.npy --count 5 --out shown.png
is_png shown.png
expect 0 encode vae --port z --out z.npz --json
holds "$(json /items) > 8"
expect 0 decode prior --codes z.npz --out all.npy
expect 1 decode prior --codes shown.npy --out no.npy
says err "E302" "got:      [8, 16, 16, 1]" "expected: [N, 3]"
expect 2 encode vae --port q.mu --port encoder --out no.npy
says err "do not fit into one array"
expect 2 decode vae --name other --codes mu.npy --out no.png
says err "generate.other"
expect 0 decode vae --codes mu.npy --out mu.png
expect 2 sample prior --name decode --out no.png
says err "takes values from a file"
expect 2 encode vae --out mu.txt
expect 1 decode prior --codes both.npz --out no.npy
says err "the archive has no array 'vae/z'"

# Codes: what a draw looks up are the codes of the file.
cat >codes.yaml <<'YAML'
version: 1
data: {type: sprites, size: 16, count: 50}
nodes:
  factors: {type: input, shape: [5], dtype: i32}
  vectors: {type: embedding, in: factors, count: 40, dim: 2}
  out:     {type: linear, in: vectors, units: 3}
losses:
  fit: {type: squared_error, in: {x: out, target: out}}
generate:
  encode: {show: factors}
  direct: {feed: factors, show: out}
  decode: {feed: factors, draw: {vectors: {type: embedding, in: factors, weights: vectors, count: 40, dim: 2}}, show: out}
  few:    {feed: factors, draw: {vectors: {type: embedding, in: factors, count: 2, dim: 2}}, show: out}
YAML
expect 0 validate codes.yaml
expect 0 encode codes.yaml --split all --out factors.npy
says out "factors: 50 items of [5] i32"
expect 0 decode codes.yaml --codes factors.npy --out decoded.npy
expect 0 decode codes.yaml --codes factors.npy --name direct --out direct.npy
same decoded.npy direct.npy
expect 1 decode codes.yaml --codes factors.npy --name few --out no.npy
says err "has the code" "the codes are 0 to 1"
expect 1 decode codes.yaml --codes decoded.npy --out no.npy
says err "E302" "got:      f32" "expected: i32"

# A prior on the codes of a vector quantizer: the codes themselves are kept, and the quantizer stays as it is.
cat >vq.yaml <<'YAML'
version: 1
data: {type: sprites, size: 16, count: 400}
nodes:
  x:         {type: input, shape: [16, 16, 1]}
  down:      {type: conv, in: x, filters: 8, kernel: 4, stride: 4, activation: relu}
  encoder:   {type: conv, in: down, filters: 4, kernel: 1}
  quantizer: {type: vector_quantizer, in: encoder, codes: 16, dim: 4, update: ema, init: data, restart_after: 10}
  up:        {type: conv_transpose, in: quantizer, filters: 8, kernel: 4, stride: 4, activation: relu}
  decoder:   {type: conv, in: up, filters: 1, kernel: 1}
losses:
  reconstruction: {type: squared_error, in: {x: decoder, target: x}}
  quantizer:      {of: quantizer.loss}
train: {batch: 16, steps: 60}
generate:
  decode:
    feed: quantizer.codes
    draw: {quantizer: {type: codebook_lookup, in: quantizer.codes, weights: quantizer, codes: 16, dim: 4}}
    show: decoder
  reconstruct: {show: decoder}
YAML
cat >code-prior.yaml <<'YAML'
version: 1
data: {type: sprites, size: 16, count: 400}
nodes:
  vq:     {use: vq, weights: vq, frozen: true}
  vector: {type: embedding, in: vq/quantizer.codes, count: 16, dim: 8}
  before: {type: shift, in: vector, axis: 2, by: 1}
  logits: {type: linear, in: before, units: 16}
  drawn:  {type: categorical_sampler, in: logits}
losses:
  nll: {type: categorical_nll, in: {logits: logits, target: vq/quantizer.codes}}
train: {batch: 16, steps: 60, eval_every: 30}
generate:
  sample:
    autoregressive: {input: vq/quantizer.codes, from: drawn, axis: 1, axes: 2}
    draw: {vq/quantizer: {type: codebook_lookup, in: vq/quantizer.codes, weights: vq/quantizer, codes: 16, dim: 4}}
    show: vq/decoder
YAML
expect 0 train vq.yaml --out vq
expect 0 validate code-prior.yaml
expect 0 train code-prior.yaml --out code-prior
says err "computing vq/quantizer.codes once for 360 items of the split 'train'"
expect 0 encode vq --out codes.npy
says out "quantizer.codes: 40 items of [4, 4] i32"
expect 0 encode code-prior --out same-codes.npy # also after training: the moving averages did not move
same codes.npy same-codes.npy
tail -c $((40 * 16 * 4)) code-prior/cache/test.vq_quantizer.codes.*.npy >kept
tail -c $((40 * 16 * 4)) codes.npy >encoded
same kept encoded
expect 0 decode vq --codes codes.npy --out decoded.npy
expect 0 run vq --feed quantizer.codes=codes.npy --fetch quantizer.codes=fed.npy
same codes.npy fed.npy
expect 0 sample code-prior --count 4 --out drawn.png
is_png drawn.png

# A decoder that draws position by position what the codes condition.
cat >chain.yaml <<'YAML'
version: 1
nodes:
  x:      {type: input, shape: [16, 1]}
  code:   {type: input, shape: [16, 1]}
  before: {type: shift, in: x, axis: 1, by: 1}
  both:   {type: concat, in: [before, code]}
  logits: {type: linear, in: both, units: 1}
  drawn:  {type: bernoulli_sampler, in: logits}
losses:
  fit: {type: bernoulli_nll, in: {logits: logits, target: x}}
generate:
  code:   {draw: {code: {type: standard_normal}}, show: code}
  decode: {feed: code, autoregressive: {input: x, from: drawn}, show: drawn}
YAML
expect 0 validate chain.yaml
expect 0 sample chain.yaml --name code --count 150 --out code.npy
expect 0 sample chain.yaml --name code --count 150 --seed 2 --out other-code.npy
expect 0 decode chain.yaml --codes code.npy --out drawn.npy
expect 0 decode chain.yaml --codes code.npy --whole --threads 1 --out whole.npy
same drawn.npy whole.npy
expect 0 decode chain.yaml --codes other-code.npy --out other-drawn.npy
differ drawn.npy other-drawn.npy

# Sounds: one file, or one an item.
cat >tone.yaml <<'YAML'
version: 1
nodes:
  x:    {type: input, shape: [500, 1]}
  tone: {type: activation, in: x, function: tanh}
losses:
  fit: {type: squared_error, in: {x: tone, target: x}}
generate:
  sample: {draw: {x: {type: standard_normal}}, show: tone}
YAML
expect 0 sample tone.yaml --count 3 --out tone.wav
holds "$(wc -c <tone.wav) == 44 + 3 * 500 * 2"
holds "$(od -An -tu4 -j24 -N4 tone.wav) == 8000"
expect 0 sample tone.yaml --count 3 --out tone.wav --separate --rate 16000
for i in 0 1 2; do holds "$(wc -c <tone-$i.wav) == 44 + 500 * 2"; done
holds "$(od -An -tu4 -j24 -N4 tone-1.wav) == 16000"
cat >sound.yaml <<'YAML'
version: 1
data: {type: audio, path: tone.wav, length: 100}
nodes:
  x:    {type: input, shape: [100, 1]}
  y:    {type: conv, in: x, filters: 1, kernel: 5, padding: same}
losses:
  fit: {type: squared_error, in: {x: y, target: x}}
train: {batch: 2, steps: 3}
generate:
  reconstruct: {show: y}
YAML
expect 0 sample tone.yaml --count 20 --out tone.wav --rate 11025
expect 0 train sound.yaml --out sound
for f in sound/reconstructions.wav sound/originals.wav; do
  exists $f
  holds "$(od -An -tu4 -j24 -N4 $f) == 11025"
done
expect 0 reconstruct sound --count 2 --out pairs.wav
holds "$(wc -c <pairs.wav) == 44 + 4 * 100 * 2"
expect 65 sample vae --count 2 --out no.wav
says err "E406" "[N, T] or [N, T, channels] f32"
finish
