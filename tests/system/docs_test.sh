#!/usr/bin/env bash
# What is generated in docs/ is fresh: the node reference, and the code in docs/write-a-node.md. Links lead somewhere.
. "$(dirname "$0")/lib.sh"
export GRAPH_RUNNER
checks=$((checks + 1))
"$repository/scripts/update-docs.sh" --check || fail "scripts/update-docs.sh --check"

# Every node type and data set has a section in the reference.
expect 0 list --json
for kind in nodes datasets; do
  i=0
  while name=$(json "/$kind/$i/name" 2>/dev/null); do
    checks=$((checks + 1))
    grep -qx "### $name" "$repository/docs/nodes.md" || fail "docs/nodes.md has no section for $name"
    i=$((i + 1))
  done
  [ "$i" -ge 7 ] || fail "only $i $kind are listed"
done
# Tables have as many cells in every row as in their head.
awk -F'|' '/^\|/ { gsub(/\\\|/, "", $0); if (!inside) { inside = 1; cells = NF } if (NF != cells) { print FILENAME ":" FNR ": " $0; bad = 1 } next }
  { inside = 0 } END { exit bad }' "$repository/docs/nodes.md" || fail "a table of docs/nodes.md is broken"

# Links lead somewhere.
cd "$repository" || exit 1
for page in README.md CONTRIBUTING.md docs/*.md docs/models/*.md; do
  exists "$page"
  while read -r target; do
    checks=$((checks + 1))
    [ -e "$(dirname "$page")/$target" ] || fail "$page links to $target, which does not exist"
  done < <(awk '/^```/ { code = !code } !code' "$page" | sed 's/`[^`]*`//g' | grep -oE '\]\([^)#:]+|src="[^"]+' | sed 's/^](//; s/^src="//')
done

# What can be typed stands in blocks of their own.
checks=$((checks + 1))
awk '/^```/ { inside = !inside; plain = $0 == "```" && inside } plain && /^(graph-runner|scripts\/|cmake) / { print FILENAME ":" FNR ": " $0; bad = 1 }
  END { exit bad }' README.md docs/*.md docs/models/*.md || fail "a command in a block that is not marked as sh"

# The commands of every page are run by a test: pages_lib.sh. Of docs/benchmarks.md, which needs hours and PyTorch,
# pages_results_test.sh looks at the options alone.
while read -r page; do
  checks=$((checks + 1))
  [ "$page" = docs/benchmarks.md ] || grep -qE "walk $page\b" tests/system/*_test.sh || fail "no test walks through $page"
done < <(grep -lE '^```sh$' README.md CONTRIBUTING.md docs/*.md docs/models/*.md)
finish
