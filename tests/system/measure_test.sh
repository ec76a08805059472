#!/usr/bin/env bash
# Measurements of trained models as a user sees them: collapse, rates, disentanglement, image quality; and walks through
# the latent space.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml

# A model that uses its latent variable, and one whose KL weight leaves it no choice.
expect 0 train tiny.yaml --set train.optimizer.lr=5e-3 --steps 1500 --out alive
expect 0 train tiny.yaml --set train.optimizer.lr=5e-3 --set losses.kl.weight=1000 --steps 600 --out dead
expect 0 eval alive --json
cp out alive.json
has_json /rate /distortion /latents/kl/mutual_information /latents/kl/aggregate_kl /latents/kl/shuffled_z_change \
  /latents/kl/kl_per_dimension/2 /psnr /ssim
[ "$(json /latents/kl/active_units)" = 3 ] || fail "$(json /latents/kl/active_units) of 3 dimensions are active"
sum="$(json /latents/kl/kl_per_dimension/0) + $(json /latents/kl/kl_per_dimension/1) + $(json /latents/kl/kl_per_dimension/2)"
holds "(d = $(json /rate) - ($sum)) < 1e-4 && d > -1e-4"
holds "(d = $(json /rate) + $(json /distortion) - $(json /negative_elbo)) < 1e-9 && d > -1e-9"
holds "$(json /latents/kl/mutual_information) > 2 && $(json /latents/kl/mutual_information) <= log(40) + 1e-9"
holds "$(json /latents/kl/shuffled_z_change) > 20"
holds "$(json /psnr) > 14 && $(json /ssim) > 0.3 && $(json /ssim) < 1"
expect 0 eval alive --json --threads 1
same out alive.json
expect 0 eval dead --json
[ "$(json /latents/kl/active_units)" = 0 ] || fail "$(json /latents/kl/active_units) dimensions are active in a dead model"
[ "$(json /latents/kl/collapsed/2)" = 2 ] || fail "the collapsed dimensions are not named"
holds "$(json /latents/kl/mutual_information) < 0.05 && $(json /rate) < 0.05"
holds "(d = $(json /latents/kl/shuffled_z_change)) < 1 && d > -1"
expect 0 eval dead
grep -qE "^ +active units +0 of 3$" out || fail "$(grep "active units" out)"
says out "none of 3 latent dimensions carries information" "free_bits" \
  "a warm-up of its weight" "a smaller weight (it is 1000 at the end)" "rate" "distortion" "PSNR" "SSIM"
says dead/report.html "none of 3 latent dimensions carries information" "active units" \
  "mutual information, nats" "KL per dimension, nats" "rate, nats" ">largest<" ">median<"

# A prior that commits a rate.
cat >delta.yaml <<'YAML'
extends: tiny.yaml
graph: delta
vars: {latent: 8}
nodes:
  mu:      {type: reshape, in: q.mu, shape: [4, 2]}
  logvar:  {type: reshape, in: q.logvar, shape: [4, 2]}
  z:       {in: {mu: mu, logvar: logvar}}
  joined:  {type: flatten, in: z}
  decoder: {in: joined}
losses:
  kl: {type: ar1_kl, alpha: 0.8, in: {mu: mu, logvar: logvar}}
generate: {sample: null}
YAML
expect 0 train delta.yaml --steps 200 --out delta
says err ", committed "
says delta/report.html "committed" "rate, nats"
expect 0 eval delta --json
holds "$(json /committed_rate) > 0.5 && $(json /rate) >= $(json /committed_rate)"
[ "$(json /latents/kl/dimensions)" = 2 ] || fail "a dimension of a sequence is its last axis"
expect 0 eval delta
says out "committed rate"

# Disentanglement: only where the factors are known.
expect 0 eval alive --split train --disentanglement --json
has_json /mig /dci_disentanglement /dci_completeness /dci_informativeness /factor_vae /sap
for score in mig dci_disentanglement dci_completeness dci_informativeness factor_vae sap; do
  holds "$(json /$score) >= 0 && $(json /$score) <= 1"
done
expect 0 eval alive --disentanglement
says out "MIG" "DCI completeness" "FactorVAE score" "SAP"
expect 0 sample alive --count 50 --out plain.npy
expect 2 eval alive --data npy:plain.npy --disentanglement --json
[ "$(json /errors/0/name)" = not-supported ] || fail "data without factors is refused with another error"

# Every figure is explained.
expect 0 eval alive --disentanglement --nll-samples 2 --json
for key in $(grep -oE '"[a-z_]+":' out | tr -d '":' | sed 's/_standard_error$//' | sort -u); do
  case " graph weights step data split binarize data_hash samples latents kl reconstruction dimensions " in *" $key "*) continue ;; esac
  grep -qF "\`$key\`" "$repository/docs/measurements.md" || fail "docs/measurements.md does not explain $key"
  checks=$((checks + 1))
done

# Walks.
expect 0 traverse alive --out traverse.png
expect 0 traverse alive --item 3 --dimensions 2,0 --steps 5 --range 2 --out item.npy
expect 0 interpolate alive --out interpolate.png
expect 0 interpolate alive --spherical --pairs 2 --steps 3 --out arc.npy
expect 0 interpolate alive --pairs 2 --steps 3 --out line.npy
differ arc.npy line.npy
is_png traverse.png interpolate.png
exists item.npy
# The middle of an odd number of steps around 0 is the decoded 0, whatever the dimension.
expect 0 traverse alive --steps 1 --dimensions 0 --out zero-0.npy
expect 0 traverse alive --steps 1 --dimensions 1 --out zero-1.npy
same zero-0.npy zero-1.npy
expect 0 traverse delta --dimensions 1 --out delta.png
is_png delta.png
expect 2 traverse alive --dimensions 3 --out x.png
says err "3 of 3 latent dimensions"
expect 2 traverse alive --dimensions a --out x.png
says err "takes numbers like 0,2,5"
expect 2 traverse alive --latent kll --out x.png
says err "did you mean 'kl'?"
expect 2 traverse alive --item 40 --out x.png
says err "item 40 of 40"
expect 2 traverse alive --out x.gif
expect 2 interpolate alive --pairs 21 --out x.png
says err "the data has 40 items"
finish
