#!/usr/bin/env bash
# Every graph of graphs/: it is valid, it can be timed, it trains in a small form, and a run that was stopped in the
# middle goes on to the same bits; it samples, reconstructs, encodes and decodes, or says in one sentence why it cannot;
# while it trains, all its libraries are opened anew, with the trial's checks of every
# node on the values that flow into it. Data sets that a graph has no default for are made by small_graphs.sh.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/small_graphs.sh"

base() {
  local name=$1
  shift
  expect 0 train "$repository/graphs/$name.yaml" "$@" --batch 4 --steps 20 --out "base/$name" --json
}
small_data
small_bases

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

# cannot VERB REASON OPTION...: the verb ends with the reason.
cannot() {
  local verb=$1 reason=$2
  shift 2
  expect 2 "$verb" "$name" "$@" --out cannot.npy
  says err "$reason"
}

# The four verbs on the run of this name.
four_verbs() {
  case $name in
    vq-vae | vq-vae-loss | vq-vae-2 | vq-vae-audio | finite-scalar-vae) cannot sample "have no prior among the losses" ;;
    *) expect 0 sample "$name" --count 3 --out samples.npy ;;
  esac
  case $name in
    pixelcnn)
      cannot reconstruct "no latent variable and no code between the data and 'codes'"
      cannot encode "neither a quantizer nor a posterior"
      cannot decode "from no latent variable and no codes" --codes samples.npy
      return ;;
  esac
  expect 0 reconstruct "$name" --count 3 --out reconstructions.npy
  expect 0 encode "$name" --count 3 --out codes.npz
  expect 0 decode "$name" --codes codes.npz --out decoded.npy
}

graphs=0
for file in "$repository"/graphs/*.yaml "$repository"/graphs/baselines/*.yaml; do
  name=$(basename "$file" .yaml)
  graphs=$((graphs + 1))
  small "$name"
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
  four_verbs
  expect 0 eval "$name" --limit 12 --json && has_json /samples /terms
  case $name in
    ppca | table-vae | vq-vae-2-top-prior | vq-vae | vq-vae-loss | vq-vae-2 | vq-vae-audio | finite-scalar-vae) ;;
    wavenet-prior) exists "$name/samples.wav" ;;
    *) is_png "$name/samples.png" ;;
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
