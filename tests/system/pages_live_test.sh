#!/usr/bin/env bash
# docs/hot-swap.md: a training that is changed while it runs, as the page does it.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"

# told TEXT: the page shows it, and the training job says it, sooner or later.
told() {
  local tries=0
  says "$repository/docs/hot-swap.md" "$1"
  until grep -sqF -- "$1" runs/vae.log || [ $((++tries)) -gt 300 ]; do sleep 0.1; done
  says runs/vae.log "$1"
}

walk docs/hot-swap.md --only '^# '
[ "$failures" = 0 ] || finish_pages
told "swapped: losses.kl.weight is 4 instead of a schedule ["
sed -i 's/gaussian_kl/gausian_kl/' graphs/vae.yaml
told "]; the training job continues unchanged:"
told "graphs/vae.yaml:21:26: error E201 unknown-node-type: 'losses/kl': there is no node type 'gausian_kl'"
told "did you mean 'gaussian_kl'?"
sed -i 's/gausian_kl/gaussian_kl/' graphs/vae.yaml
walk docs/hot-swap.md --without '^# '
says runs/vae.log "losses.kl.weight" "train.optimizer.lr" "gaussian_nll"
finish_pages
