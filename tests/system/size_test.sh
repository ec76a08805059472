#!/usr/bin/env bash
# Files of at most 400 lines and functions of at most 50, in framework/, nodes/, include/ and plugins/. Functions are
# found by Universal Ctags; without it this test is skipped.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
if ! ctags --version 2>/dev/null | grep -q Universal; then
  echo "SKIPPED: this test needs universal-ctags"
  exit 77
fi
mapfile -t files < <(find framework nodes include plugins -name '*.h' -o -name '*.cpp' | sort)
long_files=$(wc -l "${files[@]}" | awk '$2 != "total" && $1 > 400 {print $2 ": " $1 " lines"}')
long_functions=$(ctags -f - --languages=C++ --langmap=C++:.cpp.h --kinds-C++=f --fields=+ne "${files[@]}" |
  awk -F'\t' '{line = end = 0
    for (i = 4; i <= NF; ++i) {
      if ($i ~ /^line:/) line = substr($i, 6)
      if ($i ~ /^end:/) end = substr($i, 5)
    }
    if (end - line + 1 > 50) print $2 ":" line ": " $1 " has " end - line + 1 " lines"}')
if [ -n "$long_files$long_functions" ]; then
  echo "$long_files$long_functions"
  exit 1
fi
echo "ok: ${#files[@]} files"
