#!/usr/bin/env bash
# graph-runner schema: the JSON of every graph is valid under it, and changes that make a graph wrong are not.
. "$(dirname "$0")/lib.sh"
expect 0 schema
has_json '/$schema' /definitions/node /definitions/train /definitions/optimizer
cp out schema.json
expect 0 schema --keys train
says out '| `batch` |' '`64`'
expect 0 schema --types schedule
says out '| `cosine` |'
expect 2 schema --keys trian
says err "did you mean 'train'"
expect 2 schema --types optimiser
says err "did you mean 'optimizer'"

# The graphs that stand on a run are rendered in their small form, over runs of one step.
. "$repository/tests/system/small_graphs.sh"
base() { expect 0 train "$repository/graphs/$1.yaml" "${@:2}" --batch 4 --steps 1 --set train.eval_every=0 --out "base/$1"; }
small_data
small_bases
mkdir documents
for graph in "$repository"/graphs/*.yaml; do
  name=$(basename "$graph" .yaml)
  sets=()
  grep -q 'weights: "${run}"' "$graph" && small "$name"
  expect 0 render "$graph" "${sets[@]}" --json
  cp out "documents/$name.json"
done
# Formulas: names of the document's choice, options that are maps, the short form of a loss.
cat >documents/formula.json <<'JSON'
{"version": 1, "data": {"type": "gaussian", "features": 4},
 "nodes": {"x": {"type": "input", "shape": [4]}, "w": {"type": "linear", "in": "x", "units": 4},
           "f": {"type": "expr", "in": {"a": "x", "b": "w"}, "let": {"s": "tanh(b)"},
                 "outputs": {"y": "a * exp(s)", "d": "sum(s)"}}},
 "losses": {"l": {"expr": "-d", "in": {"d": "f.d"}, "role": "regulariser", "weight": 2},
            "m": {"type": "expr", "y": "sum(y^2)", "in": {"y": "f"}}}}
JSON
expect 0 validate documents/formula.json
expect 0 schema --words expr
says out '| `sum(x, axis=A, keep)` |'
expect 2 schema --words exrp
says err "did you mean 'expr'"
for python in /usr/bin/python3 python3; do
  "$python" -c 'import jsonschema' 2>/dev/null || continue
  checks=$((checks + 1))
  "$python" "$repository/tests/system/schema_check.py" schema.json "$work"/documents/*.json || fail "schema_check.py"
  finish
done
[ "$failures" -eq 0 ] || finish
skip "python3-jsonschema is not installed: the documents were not held against the schema ($checks other checks passed)"
