#!/usr/bin/env bash
# The graphs of graphs/codes, graphs/adversarial and graphs/observations, each in a small form: it is valid without a warning,
# its loss on held-out data falls over 200 steps (or the measure that is named here), and it samples, reconstructs, encodes and
# decodes where that has a meaning. A graph of these folders without an entry is a failure.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/small_graphs.sh"
small_data

# Words, counts and films that need no file from outside.
mkdir text
for i in 1 2 3 4 5 6 7 8; do seq $i 3 2000 | tr '0-9\n' 'a-j ' | head -c 800 >text/$i.txt; done
seq 1 400 | awk 'BEGIN { print "a,b,c,d" } { t = $1 * 37 % 200; u = $1 * 11 % 7; printf "%d,%d,%d,%d\n", t / 20, u, (t / 30 + u) % 9, u % 3 ? 0 : t / 10 }' >counts.csv
{ printf '\223NUMPY\1\0v\0'; printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 8, 32, 32, 1), }"; pixels $((40 * 8192)); } >films.npy

sprites() { printf 'data={type: sprites, size: %d, zoom: 2, count: 400}' "$1"; }
mnist=(--set "$(sprites 28)" --set vars.hidden=32 --set vars.latent=4)
images=(--set vars.size=16 --set vars.colors=1 --set vars.channels=16 --set vars.hidden=8 --set vars.units=1
  --set "$(sprites 16)" --set 'train.optimizer.lr=2.0e-3')
convolutions=(--set data.count=300 --set vars.filters=4 --set vars.hidden=32 --set vars.steps=200)
quantizer=(--set vars.codes=16 --set vars.dim=8)

# base NAME FOLDER OPTION...: a run that other graphs stand on.
base() {
  local name=$1 file=$2
  shift 2
  expect 0 train "$repository/graphs/$file.yaml" "$@" --threads 1 --batch 16 --steps 100 --out "base/$name" --json
}

# entry NAME: puts options into `form`, verbs into `verbs`; what must fall is `curve` of the split
# `test`, or the normalised error of the newest weights.
entry() {
  batch=16 curve=total_loss verbs=(sample reconstruct encode decode)
  case $1 in
    logcosh-vae | l1-vae | robust-vae | ssim-vae | ms-ssim-vae | denoising-vae | masked-vae) form=("${mnist[@]}") ;;
    dfc-vae) form=("${mnist[@]}" --set "vars.run=$PWD/base/classifier") ;;
    classifier) form=(--data idx:idx --set vars.filters=4 --set vars.hidden=16) verbs=() ;;
    masked-autoencoder) form=(--set "$(sprites 28)" --set vars.channels=16 --set vars.layers=1) verbs=(reconstruct encode) ;;
    student-t-vae) form=(--data table:table.csv,normalize=dataset --set vars.features=3 --set vars.hidden=16) ;;
    poisson-count-vae | negative-binomial-vae | zinb-vae)
      form=(--data table:counts.csv --set vars.features=4 --set vars.hidden=16) ;;
    discretised-logistic-vae | attribute-vae | spatial-broadcast-vae) form=("${convolutions[@]}") ;;
    logistic-mixture-vae) form=(--data cifar:cifar/batch.bin "${convolutions[@]:2}" --set vars.parts=2) ;;
    dc-ae) form=(--set data.count=300 --set vars.channels=4) ;;
    text-vae) form=(--data text:text,length=16 --set vars.length=16 --set vars.letters=11 --set vars.channels=16 --set vars.layers=1 --set vars.latent=4) ;;
    video-vae) form=(--data npy:films.npy "${convolutions[@]:2}") batch=4 ;;
    aae | wae-gan | adversarial-vb | r1-aae | spectral-aae | wgan-gp-aae) form=("${mnist[@]}" --set vars.critic=32) ;;
    bigan) form=("${mnist[@]}" --set vars.critic=32) curve=reconstruction ;;   # which no objective has
    soft-introvae | introvae) form=("${mnist[@]}") ;;
    vqgan) form=("${images[@]}" "${quantizer[@]}" --set vars.filters=8 --set vars.start=100) verbs=(reconstruct encode decode) ;;
    autoencoder-kl) form=("${images[@]}" --set vars.filters=8 --set vars.start=100) ;;
    hinge-vae-gan)
      form=(--set "$(sprites 32)" --set vars.size=32 --set vars.channels=1 --set vars.filters=4 --set vars.features=4
        --set vars.hidden=16 --set vars.discriminator_hidden=16 --set vars.latent=4)
      curve=normalised_error ;;
    residual-vq | residual-vq-dropout) form=("${images[@]}" "${quantizer[@]}" --set vars.levels=3) verbs=(reconstruct encode decode) ;;
    grouped-vq) form=("${images[@]}" "${quantizer[@]}" --set vars.groups=2) verbs=(reconstruct encode decode) ;;
    multi-head-vq) form=("${images[@]}" "${quantizer[@]}" --set vars.heads=2) verbs=(reconstruct encode decode) ;;
    rotation-vq | cosine-vq | simvq) form=("${images[@]}" "${quantizer[@]}") verbs=(reconstruct encode decode) ;;
    fsq) form=("${images[@]}") verbs=(reconstruct encode decode) ;;
    lfq) form=("${images[@]}" --set vars.dim=6) verbs=(reconstruct encode decode) ;;
    sq-vae | dalle-dvae) form=("${images[@]}" "${quantizer[@]}") ;;
    var) form=("${images[@]}" "${quantizer[@]}" --set vars.scales=3) verbs=(reconstruct encode decode) ;;
    titok)
      form=("${images[@]}" "${quantizer[@]}" --set vars.patch=4 --set vars.tokens=6 --set vars.layers=1 --set vars.heads=2)
      verbs=(reconstruct encode decode) ;;
    straight-through-gumbel-vae | concrete-vae)
      form=(--set data.count=120 --set 'nodes.encoder.vars={filters: 4, hidden: 16}' --set 'nodes.decoder.vars={filters: 4, hidden: 16}') ;;
    encodec)
      form=(--data "$audio" --set vars.length=512 --set vars.channels=8 --set vars.windows=2 --set vars.levels=2 "${quantizer[@]}")
      verbs=(reconstruct encode decode) batch=4 ;;
    gpt-prior | maskgit-prior)
      form=("${images[@]:0:2}" --set "$(sprites 16)" --set "vars.run=$PWD/base/vq-vae" --set vars.codes=16 --set vars.side=4
        --set vars.channels=16 --set vars.layers=1 --set vars.heads=2)
      form=("${form[@]:2}")
      verbs=(sample) ;;
    var-prior)
      form=(--set "$(sprites 32)" --set "vars.run=$PWD/base/var" --set vars.codes=16 --set vars.channels=16
        --set vars.layers=1 --set vars.heads=2)
      verbs=(sample) ;;
    delay-prior)
      form=(--data "$audio" --set "vars.run=$PWD/base/encodec" --set vars.levels=3 --set vars.length=16 --set vars.codes=16
        --set vars.dim=8 --set vars.channels=24 --set vars.layers=1 --set vars.heads=2)
      verbs=(sample) batch=4 ;;
    *) return 1 ;;
  esac
}

base classifier observations/classifier --data idx:idx --set vars.filters=4 --set vars.hidden=16
base vq-vae vq-vae "${images[@]}" "${quantizer[@]}"
base var codes/var --set "$(sprites 32)" --set vars.size=32 "${images[@]:2:8}" "${quantizer[@]}"
base encodec codes/encodec --data "$audio" --set vars.length=512 --set vars.channels=8 --set vars.windows=2 --set vars.levels=3 \
  "${quantizer[@]}"

graphs=0
for file in "$repository"/graphs/{codes,adversarial,observations}/*.yaml; do
  name=$(basename "$file" .yaml)
  if [ $# -gt 0 ] && ! [[ " $* " == *" $name "* ]]; then continue; fi
  graphs=$((graphs + 1))
  entry "$name" || { fail "$file has no entry in $0"; continue; }
  sets=()
  for ((i = 0; i < ${#form[@]}; ++i)); do [ "${form[i]}" = --set ] && sets+=(--set "${form[i + 1]}"); done
  expect 0 validate "$file" "${sets[@]}"
  checks=$((checks + 1))
  grep -q warning out err && { fail "$name: a warning"; cat out err; }
  options=("${form[@]}" --threads 1 --batch $batch --set train.eval_every=20 --set train.eval_limit=40 --out "$name" --json)
  if [ "$curve" = normalised_error ]; then
    expect 0 train "$file" "${options[@]}" --steps 20 || continue
    expect 0 eval "$name" --newest --json && values=$(json /normalised_error)
    expect 0 train --resume "$name" --steps 200 --threads 1 --json
    expect 0 eval "$name" --newest --json && values+=" $(json /normalised_error)"
  else
    expect 0 train "$file" "${options[@]}" --steps 200 || continue
    expect 0 metrics "$name" --name "$curve"
    values=$(awk -F, '$2 == "test" { last = $4; if (first == "") first = $4 } END { print first, last }' out)
  fi
  echo "$name: $curve $values"
  holds "$(echo "$values" | awk '{ print $2 " < " $1 }')"
  for verb in "${verbs[@]}"; do
    case $verb in
      sample | reconstruct) expect 0 $verb "$name" --count 3 --out "$name-$verb.npy" && exists "$name-$verb.npy" ;;
      encode) expect 0 encode "$name" --count 3 --out "$name-codes.npz" ;;
      decode) expect 0 decode "$name" --codes "$name-codes.npz" --out "$name-decoded.npy" && exists "$name-decoded.npy" ;;
    esac
  done
done

# How codes are drawn: MaskGIT in as many steps as are asked for; streams position by position as by whole runs.
if [ -d maskgit-prior ]; then
  expect 0 sample maskgit-prior --count 5 --out eight.npy --threads 1
  expect 0 sample maskgit-prior --count 5 --out again.npy --threads 2
  same eight.npy again.npy
  for option in --steps=2 --choice-temperature=0 --temperature=0.5 --seed=3; do
    expect 0 sample maskgit-prior --count 5 --out other.npy "$option"
    differ eight.npy other.npy
  done
  expect 2 sample maskgit-prior --count 5 --out no.npy --choice-temperature=-1
  expect 65 sample maskgit-prior --count 5 --out no.npy --guidance 2
  says err 'guidance has no effect with solver replace'
fi
if [ -d delay-prior ]; then
  expect 0 sample delay-prior --count 3 --out streams.npy
  grep -q 'run of the whole graph' err && fail "the streams are not drawn position by position"
  expect 0 sample delay-prior --count 3 --out whole.npy --whole
  same streams.npy whole.npy
  expect 2 sample delay-prior --count 3 --out no.npy --choice-temperature 1
  says err "no node of generate.sample has the option 'choice_temperature'"
fi
echo "$graphs graphs"
finish
