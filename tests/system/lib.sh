# What the scripts of this folder share; a script begins with:  . "$(dirname "$0")/lib.sh"
# It leaves them in an empty folder, which is removed at the end. A script ends with: finish
set -uo pipefail

repository=$(cd "${LATENTLOOM_SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
GRAPH_RUNNER=${GRAPH_RUNNER:-$repository/build/release/bin/graph-runner}
JSON_VALUE=${JSON_VALUE:-$(dirname "$GRAPH_RUNNER")/json-value}
data_folder=${LATENTLOOM_DATA:-$repository/../shared/data}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
checks=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

finish() {
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ] && { echo "ok: $checks checks"; exit 0; }
  echo "$failures of $checks checks failed"
  exit 1
}

# skip REASON: ends the script, as skipped and not as passed.
skip() {
  echo "SKIPPED: $*"
  exit 77
}

# expect CODE ARGUMENT...: graph-runner ends with this code; ./out and ./err hold what it wrote.
expect() {
  local wanted=$1 got=0
  shift
  "$GRAPH_RUNNER" "$@" >out 2>err || got=$?
  checks=$((checks + 1))
  [ "$got" -eq "$wanted" ] && return 0
  fail "graph-runner $*: exit code $got, not $wanted"
  tail -n 5 out err
  return 1
}

# says FILE TEXT...: the file holds each text.
says() {
  local file=$1 text
  shift
  for text in "$@"; do
    checks=$((checks + 1))
    grep -qF -- "$text" "$file" && continue
    fail "'$text' is not in $file:"
    head -n 12 "$file"
  done
}

# json POINTER [FILE]: prints a value of ./out; fails where the file is no JSON or has no such value.
json() { "$JSON_VALUE" "${2:-out}" "$1"; }

# has_json POINTER...: ./out is JSON that has these values, null excepted.
has_json() {
  local pointer value
  for pointer in "$@"; do
    checks=$((checks + 1))
    value=$(json "$pointer") || { fail "no $pointer in the JSON:"; head -n 12 out; continue; }
    [ "$value" != null ] || fail "$pointer is null"
  done
}

# holds EXPRESSION: arithmetic of awk, as in  holds "$x < 108"
holds() {
  checks=$((checks + 1))
  awk "BEGIN { exit !($1) }" </dev/null || fail "does not hold: $1"
}

# same FILE FILE: byte by byte.
same() {
  checks=$((checks + 1))
  cmp "$1" "$2" || fail "$1 and $2 differ"
}

differ() {
  checks=$((checks + 1))
  cmp -s "$1" "$2" && fail "$1 and $2 are equal"
}

exists() {
  local file
  for file in "$@"; do
    checks=$((checks + 1))
    [ -s "$file" ] || fail "$file is missing or empty"
  done
}

is_png() {
  local file
  for file in "$@"; do
    exists "$file"
    [ "$(head -c 8 "$file" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "$file is no PNG"
  done
}

# tiny_graph FILE: a VAE of 16x16 sprites whose step takes less than a millisecond.
tiny_graph() {
  cat >"$1" <<'YAML'
version: 1
graph: tiny
doc: A small VAE.
vars: {hidden: 16, latent: 3}
data: {type: sprites, size: 16, count: 400}
nodes:
  x:       {type: input, shape: [16, 16, 1]}
  flat:    {type: flatten, in: x}
  encoder: {type: linear, in: flat, units: "${hidden}", activation: relu}
  q:       {type: gaussian_parameters, in: encoder, dim: "${latent}"}
  z:       {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  decoder: {type: linear, in: z, units: "${hidden}", activation: relu}
  logits:  {type: linear, in: decoder, units: 256}
  mean:    {type: activation, in: logits, function: sigmoid}
  image:   {type: reshape, in: mean, shape: [16, 16, 1]}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: flat}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 16, steps: 200, optimizer: {type: adam, lr: 1.0e-3}, eval_every: 100}
generate:
  sample:      {draw: {z: {type: standard_normal}}, show: image}
  reconstruct: {show: image}
YAML
}

# wait_for COUNTER VALUE: until `ctl status` shows at least so much of the training job $training, whose run is ./live and
# which writes live.err.
wait_for() {
  local tries=0
  until "$GRAPH_RUNNER" ctl live status --json >out 2>/dev/null && [ "$(json "/$1")" -ge "$2" ]; do
    sleep 0.1
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $training 2>/dev/null && continue
    fail "$1 is not $2"
    cat live.err
    return
  done
  checks=$((checks + 1))
}
