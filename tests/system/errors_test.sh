#!/usr/bin/env bash
# Every code of include/loom/error.h has a section in docs/errors.md under its number and name, and is provoked
# by some test: an assertion names ErrorCode::identifier, a document of tests/document/bad/ expects its message, or a
# script of tests/system/ looks for its number.
set -euo pipefail
cd "$LATENTLOOM_SOURCE"

failed=0
complain() { echo "$1" >&2; failed=1; }

codes=0
while read -r identifier number name; do
  codes=$((codes + 1))
  grep -qx "## $number $name" docs/errors.md || complain "$number $name has no section in docs/errors.md"
  grep -rqE "ErrorCode::$identifier\b" tests --include='*_test.cpp' --exclude=bad_documents_test.cpp ||
    grep -rq "error $number $name" tests/document/bad --include='*.expected' ||
    grep -rqE "\b$number\b" tests/system --include='*_test.sh' ||
    complain "$number $name is provoked by no test"
done < <(sed -nE 's/^ *X\((\w+), "(E[0-9]+)", "([a-z-]+)"\).*/\1 \2 \3/p' include/loom/error.h)
[ "$codes" -ge 50 ] || complain "only $codes codes were found"

while read -r number name; do
  grep -q "\"$number\", \"$name\"" include/loom/error.h || complain "docs/errors.md has an unknown $number $name"
done < <(sed -nE 's/^## (E[0-9]+) ([a-z-]+)$/\1 \2/p' docs/errors.md)
exit $failed
