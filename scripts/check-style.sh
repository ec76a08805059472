#!/usr/bin/env bash
# Checks the layout of the code (.clang-format) and lints it (.clang-tidy); changes nothing.
#   scripts/check-style.sh              both; lints what the release build compiles (minutes)
#   scripts/check-style.sh --format     the layout alone (seconds)
#   scripts/check-style.sh --fix        rewrites files that are laid out differently
# Layout differs between versions of clang-format: version 14, Debian 12's, is the one that counts.
set -euo pipefail
cd "$(dirname "$0")/.."
version=14

formatter() {
  local name
  for name in "clang-format-$version" clang-format; do
    if command -v "$name" >/dev/null && "$name" --version | grep -q "version $version\."; then
      echo "$name"
      return
    fi
  done
}

format=$(formatter)
if [ -z "$format" ]; then
  echo "check-style: SKIPPED the layout: clang-format $version is not installed (scripts/install-deps.sh --checks)"
else
  mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.h')
  if [ "${1:-}" = "--fix" ]; then
    "$format" -i "${files[@]}"
    exit 0
  fi
  found=$({ "$format" --dry-run -Werror "${files[@]}" 2>&1 || true; } | { grep 'error:' || true; } | cut -d: -f1 | sort | uniq -c)
  if [ -z "$found" ]; then
    echo "check-style: layout: ok (${#files[@]} files)"
  else
    echo "$found"
    echo "check-style: the files above are laid out differently; scripts/check-style.sh --fix rewrites them"
    exit 1
  fi
fi
[ "${1:-}" = "--format" ] && exit 0

command -v run-clang-tidy >/dev/null || { echo "check-style: clang-tidy is not installed: scripts/install-deps.sh --checks" >&2; exit 1; }
# clang cannot read GCC's precompiled headers: a build folder of its own, in which nothing is built.
scripts/install-deps.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset release -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DLATENTLOOM_TESTS=OFF >"$log" 2>&1 ||
  { cat "$log"; exit 1; }
if ! run-clang-tidy -quiet -p build/lint "$PWD/(framework|nodes)/.*" >"$log" 2>&1; then
  grep -E '(warning|error):' "$log" | sort -u
  echo "check-style: clang-tidy found the above"
  exit 1
fi
echo "check-style: lint: ok"
