#!/usr/bin/env bash
# The graphs of objectives, posteriors, priors and hierarchies, each in a small form: it is valid without a warning, its loss
# on held-out data falls over 200 steps, and it samples, reconstructs, encodes and decodes, or says why it cannot.
. "$(dirname "$0")/lib.sh"

connected=(--data sprites:size=28,count=400,zoom=2 --set vars.hidden=32)
convolutional=(--set data.count=300 --set "nodes.encoder.vars={filters: 4, hidden: 32}" --set "nodes.decoder.vars={filters: 4, hidden: 32}")
# labelled: the column in which a sprite lies is its class.
labelled() {
  printf '%s\n' "extends: $file" "vars: {classes: 32}" "nodes:" "  factors: {type: input, shape: [5], dtype: i32}" \
    "  column: {type: slice, in: factors, start: 3, stop: 4}" "  label: {type: reshape, in: column, shape: [], dtype: null}" >"$name.yaml"
  file=$PWD/$name.yaml
}

# small NAME: its options, the curve that falls, and the verbs that it has.
small() {
  form=("${connected[@]}") curve=total_loss verbs="sample reconstruct encode decode" batch=16
  case $1 in
    free-bits | cyclical-vae | info-vae | heteroscedastic-vae | sigma-vae | sigma-vae-learned | poisson-vae) ;;
    geco) curve=distortion ;;
    miwae | piwae | ciwae | dreg-iwae | renyi)
      form+=(--set vars.samples=4)
      curve=bits_per_dim
      case $1 in miwae | piwae) form+=(--set vars.groups=2) ;; esac ;;
    dip-vae-i | dip-vae-ii | bernoulli-latent) form=("${convolutional[@]}") ;;
    factor-vae) form=("${convolutional[@]}" --set vars.units=16 --set vars.layers=2) curve=bits_per_dim ;;
    vib) labelled; verbs="sample encode" ;;
    rae-l2 | rae-gp | lsgm) verbs="reconstruct encode decode" ;;
    sliced-wasserstein) form+=(--set vars.slices=8) verbs="sample reconstruct" ;;
    semi-supervised-m2) labelled; form+=(--set vars.latent=4 --set vars.labelled=3) verbs="sample reconstruct" ;;
    planar-flow | radial-flow | full-covariance | gamma-vae | poincare-vae | realnvp-prior | planar-prior | radial-prior | spline-prior | maf-prior) form+=(--set vars.latent=5) ;;
    iaf-posterior | realnvp-posterior | spline-posterior) form+=(--set vars.latent=5 --set vars.flow_hidden=16) ;;
    poe-vae) labelled; form+=(--set vars.label_hidden=8) verbs="sample reconstruct" ;;
    joint-vae) form+=(--set vars.classes=3) ;;
    vamp-vae) form+=(--set vars.pseudo=8) ;;
    mog-vae) form+=(--set vars.components=8) ;;
    vade) form+=(--set vars.clusters=3) ;;
    hvae | ladder-vae) form+=(--set vars.latent=6 --set vars.latent2=3 --set vars.hidden2=16) ;;
    vdvae | nvae) form=(--data sprites:size=28,count=200,zoom=2 --set vars.channels=4 --set vars.latent=2 --set vars.levels=4) ;;
    group-vae) verbs="sample reconstruct" ;;
    vrnn) form+=(--set vars.latent=4) verbs="sample reconstruct" ;;
    recurrent-vae) form+=(--set vars.latent=6) verbs="sample reconstruct encode" ;;
    two-stage-vae) form=("${stage[@]}" --set vars.latent=5 --set vars.hidden=16) verbs="sample reconstruct" ;;
    gmm-prior) form=("${stage[@]}" --set vars.components=8) verbs=sample ;;
    guided-flow-prior | edm-prior) labelled; form=("${stage[@]}" --set vars.latent=5 --set vars.hidden=16) verbs=sample ;;
    flow-matching-prior | diffusion-prior) form=("${stage[@]}" --set vars.latent=5 --set vars.hidden=16) verbs=sample ;;
    *) return 1 ;;
  esac
}

# A trained VAE, on which second stages stand.
"$GRAPH_RUNNER" train "$repository/graphs/vae-mnist.yaml" "${connected[@]}" --set vars.latent=5 --batch 16 --steps 200 \
  --threads 1 --quiet --out base >out 2>&1 || fail "the base: $(tail -n 3 out)"
stage=(--data sprites:size=28,count=400,zoom=2 --set "vars.run=$PWD/base")

graphs=0
for file in "$repository"/graphs/{objectives,posteriors,priors,hierarchies}/*.yaml; do
  name=$(basename "$file" .yaml)
  graphs=$((graphs + 1))
  small "$name" || { fail "no entry for $name"; continue; }
  sets=()
  for ((i = 0; i < ${#form[@]}; ++i)); do [ "${form[i]}" = --set ] && sets+=(--set "${form[i + 1]}"); done
  expect 0 validate "$file" "${sets[@]}"
  [ -s err ] && { fail "$name: a warning:"; head -n 3 err; }
  expect 0 train "$file" "${form[@]}" --batch "$batch" --steps 200 --set train.eval_every=10 --set train.eval_limit=32 \
    --set train.checkpoint_every=0 --threads 1 --quiet --out "$name" || continue
  expect 0 metrics "$name" --name "$curve" --csv
  falls=$(awk -F, '$2 == "test" { if (first == "") first = $4; last = $4 } END { print first " " last }' out)
  checks=$((checks + 1))
  awk -v both="$falls" 'BEGIN { n = split(both, v, " "); exit !(n == 2 && v[2] < v[1]) }' || fail "$name: $curve does not fall: $falls"
  echo "$name: $curve $falls"
  for verb in $verbs; do
    case $verb in
      decode) expect 0 decode "$name" --codes codes.npz --out decoded.npy ;;
      encode) expect 0 encode "$name" --count 3 --out codes.npz ;;
      *) expect 0 "$verb" "$name" --count 3 --out values.npy ;;
    esac
  done
done
echo "$graphs graphs"
holds "$graphs >= 40"
finish
