#!/usr/bin/env bash
# Every graph of graphs/: it is valid, it can be timed, it trains in a small form, and a run that was stopped in the
# middle goes on to the same bits; while it trains, all its libraries are opened anew, with the trial's checks of every
# node on the values that flow into it. Data sets that a graph has no default for are made here.
. "$(dirname "$0")/lib.sh"

# Images and labels of 28x28 and 32x32x3 from the digits of a sequence of numbers: no picture of anything, but no file
# from outside either, and the same bytes everywhere.
count=60
labels() { for _ in 1 2 3 4 5 6; do printf '\0\1\2\3\4\5\6\7\10\11'; done; }
pixels() { seq 1 100000 | head -c "$1"; }
mkdir idx cifar
for split in train t10k; do
  { printf '\0\0\10\3\0\0\0\74\0\0\0\34\0\0\0\34'; pixels $((count * 784)); } >idx/$split-images-idx3-ubyte
  { printf '\0\0\10\1\0\0\0\74'; labels; } >idx/$split-labels-idx1-ubyte
done
for ((i = 0; i < count; ++i)); do printf '\3'; pixels 3072; done >cifar/batch.bin
# Recordings of two speakers: 8 kHz, 16 bits, 1,024 samples each.
mkdir sounds
for name in 0_anna_0 1_anna_1 0_theo_0 1_theo_1 2_theo_2 3_anna_0 4_theo_4 5_anna_5; do
  { printf 'RIFF\44\10\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\0\10\0\0'; pixels 2048; } >sounds/$name.wav
done
audio='audio:sounds,length=512,holdout=4,names={digit}_{speaker}_{take}'

# Small runs that priors stand on.
codes=(--set vars.channels=8 --set vars.hidden=4 --set vars.units=1 --set vars.codes=16 --set vars.dim=4)
sound=(--set vars.length=512 --set vars.channels=4 --set vars.codes=16 --set vars.dim=4 --set vars.decoder_channels=4
  --set vars.skip=4 --set vars.stacks=1 --set vars.depth=3 --set vars.speakers=2)
tiny=(--set vars.codes=16 --set vars.dim=4 --set vars.channels=8)
base() {
  local name=$1
  shift
  expect 0 train "$repository/graphs/$name.yaml" "$@" --batch 4 --steps 20 --out "base/$name" --json
}
mkdir base
base vq-vae --data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}"
base vq-vae-2 --data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}"
base vq-vae-audio --data "$audio" "${sound[@]}"
base vq-vae-2-top-prior --data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2" "${tiny[@]}" --set vars.layers=1 \
  --set vars.attentions=1 --set vars.heads=2

# small NAME: puts what makes the graph small into the array `form`.
small() {
  local narrow='{filters: 4, hidden: 16}'
  case $1 in
    vae | beta-vae | beta-vae-capacity | beta-tcvae)
      form=(--set "data.count=120" --set "nodes.encoder.vars=$narrow" --set "nodes.decoder.vars=$narrow") ;;
    vae-mnist | wae-mmd | conditional-vae) form=(--data idx:idx --set vars.hidden=16) ;;
    iwae) form=(--data idx:idx --set vars.hidden=16 --set vars.samples=3) ;;
    ppca) form=(--set data.count=200) ;;
    delta-vae | delta-vae-standard-prior)
      form=(--data idx:idx --set vars.channels=4 --set vars.layers=2 --set vars.pixel_channels=2) ;;
    vae-gan | vae-gan-without-game)
      form=(--data cifar:cifar/batch.bin --set vars.size=32 --set vars.filters=2 --set vars.features=2
        --set vars.hidden=8 --set vars.discriminator_hidden=8 --set vars.latent=4) ;;
    vq-vae | vq-vae-loss | vq-vae-2) form=(--data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}") ;;
    vq-vae-audio) form=(--data "$audio" "${sound[@]}") ;;
    pixelcnn) form=(--data idx:idx --set vars.channels=4 --set vars.layers=2) ;;
    pixelcnn-prior) form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae" "${tiny[@]}" --set vars.layers=2) ;;
    wavenet-prior)
      form=(--data "$audio" --set vars.run="$PWD/base/vq-vae-audio" "${tiny[@]}" --set vars.skip=4 --set vars.layers=3
        --set vars.length=512 --set vars.speakers=2) ;;
    vq-vae-2-top-prior)
      form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2" "${tiny[@]}" --set vars.layers=1
        --set vars.attentions=1 --set vars.heads=2) ;;
    vq-vae-2-bottom-prior)
      form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2-top-prior" "${tiny[@]}" --set vars.layers=2
        --set vars.units=1 --set vars.hidden=4) ;;
    *) form=() ;;
  esac
}

# reloaded FILE OPTION...: a training takes its own libraries anew.
reloaded() {
  local file=$1 training
  shift
  "$GRAPH_RUNNER" train "$file" "$@" --steps 100000000 --set train.eval_every=0 --set train.checkpoint_every=0 --set train.keep=2 \
    --out "$name-reloaded" >reloaded.out 2>&1 &
  training=$!
  until "$GRAPH_RUNNER" ctl "$name-reloaded" status >/dev/null 2>&1 || ! kill -0 $training 2>/dev/null; do sleep 0.05; done
  expect 0 ctl "$name-reloaded" reload
  expect 0 ctl "$name-reloaded" stop --json
  wait $training
}

graphs=0
for file in "$repository"/graphs/*.yaml "$repository"/graphs/baselines/*.yaml; do
  name=$(basename "$file" .yaml)
  graphs=$((graphs + 1))
  small "$name"
  sets=()
  for ((i = 0; i < ${#form[@]}; ++i)); do [ "${form[i]}" = --set ] && sets+=(--set "${form[i + 1]}"); done
  expect 0 validate "$file" "${sets[@]}"
  expect 0 bench "$file" "${sets[@]}" --batch 4 --steps 2 --json && has_json /samples_per_s /loss
  # Both evaluate at step 10, as a run does that is to end there: a checkpoint says which step was the best.
  options=("${form[@]}" --batch 4 --lanes 2 --set train.checkpoint_every=10 --set train.keep=100
    --set train.eval_every=10 --set train.eval_limit=8)
  expect 0 train "$file" "${options[@]}" --steps 20 --out "$name" --json && has_json /steps
  expect 0 train "$file" "${options[@]}" --steps 10 --out "$name-stopped" --json
  expect 0 train --resume "$name-stopped" --steps 20 --json
  same "$name/checkpoints/step-000020.safetensors" "$name-stopped/checkpoints/step-000020.safetensors"
  differ "$name/checkpoints/step-000010.safetensors" "$name/checkpoints/step-000020.safetensors"
  reloaded "$file" "${form[@]}" --batch 4 --lanes 2 --set train.eval_limit=8
  expect 0 eval "$name" --limit 12 --json && has_json /samples /terms
  case $name in
    ppca | vq-vae-2-top-prior) ;;
    wavenet-prior) exists "$name/samples.wav" ;;
    *) grep -q '^ *sample:' "$name/graph.yaml" && is_png "$name/samples.png" ;;
  esac
  # A prior learns the codes that it stands on: other graphs are followed over 200 steps by tests/models/learning_test.cpp.
  if grep -q 'weights: "${run}"' "$file"; then
    before=$(json /terms/prior)
    expect 0 train --resume "$name" --steps 200 --json
    expect 0 eval "$name" --limit 12 --json
    holds "$(json /terms/prior) < $before"
  fi
done
echo "$graphs graphs"
holds "$graphs >= 21"
finish
