#!/usr/bin/env bash
# Rewrites what is generated: the node reference, the code shown in docs/write-a-node.md, the tables of
# docs/graph-format.md and docs/measurements.md.
#   scripts/update-docs.sh            rewrites the files
#   scripts/update-docs.sh --check    changes nothing, fails when one is stale
set -euo pipefail
cd "$(dirname "$0")/.."
runner=${GRAPH_RUNNER:-build/release/bin/graph-runner}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$runner" list --reference >"$work/nodes.md"

# Every block after "<!-- code: FILE -->" is replaced by that file.
awk '
  /^<!-- code: / { file = $3; print; next }
  file != "" && /^```/ && !inside { print; while ((getline line < file) > 0) print line; inside = 1; next }
  inside && /^```/ { inside = 0; file = ""; print; next }
  inside { next }
  { print }
' docs/write-a-node.md >"$work/write-a-node.md"

# What stands between "<!-- keys: SECTION -->", "<!-- types: KIND -->", "<!-- values: METRIC -->" or
# "<!-- words: NODE -->" and "<!-- end -->" is
# made from the declarations; "<!-- other values -->" stands for the metrics that the page does not name.
others=$("$runner" list --json | awk '/^  "/ { metrics = /"metrics"/ } metrics && /"name":/ { print $2 }' | tr -d '",' |
  while read -r metric; do grep -q "^<!-- values: $metric -->" docs/measurements.md || echo "$metric"; done)
for name in graph-format measurements; do
awk -v runner="$runner" -v others="$others" '
  /^<!-- other values -->/ { print; count = split(others, metric); inside = 1
    for (i = 1; i <= count; ++i) { print (i > 1 ? "\n" : "") "### " metric[i]
      command = runner " schema --values " metric[i]; while ((command | getline line) > 0) print line; close(command) }
    next }
  /^<!-- (keys|types|values|words): / { print; command = runner " schema --" substr($2, 1, length($2) - 1) " " $3
    while ((command | getline line) > 0) print line; close(command); inside = 1; next }
  /^<!-- end -->/ { inside = 0 }
  !inside { print }
' docs/$name.md >"$work/$name.md"
done

stale=0
for name in nodes write-a-node graph-format measurements; do
  cmp -s "$work/$name.md" "docs/$name.md" && continue
  if [ "${1:-}" = "--check" ]; then
    echo "docs/$name.md is stale: run scripts/update-docs.sh"
    diff -u "docs/$name.md" "$work/$name.md" | head -20 || true
    stale=1
  else
    cp "$work/$name.md" "docs/$name.md"
  fi
done
exit "$stale"
