#!/usr/bin/env bash
# Rewrites what is generated: the node reference, and the code shown in docs/write-a-node.md.
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

stale=0
for name in nodes write-a-node; do
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
