#!/usr/bin/env bash
# What graph-runner does with a bad document: exit code 65, the findings on stderr or as JSON on stdout, nothing else,
# and no run folder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad="$LATENTLOOM_SOURCE/tests/document/bad"
cd "$bad"

fail() { echo "FAILED: $*" >&2; exit 1; }
# code NAME ARGUMENTS...: runs graph-runner, leaves out and err in $work, prints the exit code
code() { local rc=0; "$GRAPH_RUNNER" "$@" >"$work/out" 2>"$work/err" || rc=$?; echo "$rc"; }

# A {kind} of the expected messages is the list of its registered names.
json=${JSON_VALUE:-$(dirname "$GRAPH_RUNNER")/json-value}
[ "$(code list --json)" = 0 ] || fail "list --json"
cp "$work/out" "$work/list.json"
names() {
  local i=0
  while "$json" "$work/list.json" "/$1/$i/name" 2>/dev/null; do i=$((i + 1)); done | paste -sd, | sed 's/,/, /g'
}
for kind in datasets optimizers schedules metrics; do
  [ -n "$(names "$kind")" ] || fail "list --json has no $kind"
  echo "s/one of {$kind}$/one of $(names "$kind")/" >>"$work/lists.sed"
done

# Every bad document that needs no --set.
count=0
for document in *.yaml; do
  grep -aq '^# --set ' "$document" && continue
  [ "$(code validate "$document")" = 65 ] || fail "$document: exit code"
  [ ! -s "$work/out" ] || fail "$document: something on stdout"
  sed -f "$work/lists.sed" "${document%.yaml}.expected" | diff - "$work/err" || fail "$document: unexpected diagnostics"
  count=$((count + 1))
done
[ "$count" -ge 60 ] || fail "only $count bad documents"

[ "$(code validate --json everything-at-once.yaml)" = 65 ] || fail "--json: exit code"
[ ! -s "$work/err" ] || fail "--json: something on stderr"
for i in 0 1 2 3 4 5; do
  [[ "$("$json" "$work/out" "/errors/$i/code")" == E* ]] || fail "--json: diagnostic $i has no code"
  [ -n "$("$json" "$work/out" "/errors/$i/file")" ] || fail "--json: diagnostic $i has no file"
  [ "$("$json" "$work/out" "/errors/$i/line")" -gt 0 ] || fail "--json: diagnostic $i has no line"
done

[ "$(code validate set-unknown-variable.yaml --set vars.latnet=3)" = 65 ] || fail "--set: exit code"
grep -q E116 "$work/err" || fail "--set: diagnostic"
[ "$(code validate nowhere.yaml)" = 65 ] || fail "a missing file: exit code"
grep -q "nowhere.yaml: error E109" "$work/err" || fail "a missing file: diagnostic"
[ "$(code render unknown-key-root.yaml)" = 65 ] && [ ! -s "$work/out" ] || fail "render of a bad document prints a part"

# Training starts with the same checks, and leaves nothing behind.
for document in everything-at-once.yaml loss-shape.yaml data-type.yaml generate-shapes.yaml; do
  [ "$(code train "$document" --out "$work/run")" = 65 ] || fail "train $document: exit code"
  [ ! -e "$work/run" ] || fail "train $document: a run folder"
  [ ! -s "$work/out" ] || fail "train $document: something on stdout"
done

# Wrong use.
[ "$(code validate)" = 2 ] || fail "no argument: exit code"
grep -q E701 "$work/err" || fail "no argument: diagnostic"
[ "$(code train "$LATENTLOOM_SOURCE/graphs/ppca.yaml" --out "$work/run" --no-such-flag)" = 2 ] || fail "unknown flag: exit code"
grep -q E701 "$work/err" || fail "unknown flag: diagnostic"
[ ! -e "$work/run" ] || fail "unknown flag: a run folder"

# Good ones.
for document in "$LATENTLOOM_SOURCE"/graphs/*.yaml; do
  grep -q 'weights: "${run}"' "$document" && continue # it stands on a run: graphs_test.sh makes one
  [ "$(code validate "$document")" = 0 ] || fail "$document: $(cat "$work/err")"
  "$GRAPH_RUNNER" render "$document" >"$work/once.yaml"
  "$GRAPH_RUNNER" render "$work/once.yaml" >"$work/twice.yaml"
  diff "$work/once.yaml" "$work/twice.yaml" || fail "$document: render is no fixed point"
done
