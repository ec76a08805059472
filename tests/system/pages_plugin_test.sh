#!/usr/bin/env bash
# What the pages build against an installed Latentloom: the plugin of the quickstart and of docs/write-a-node.md, and the
# programs of docs/library.md, whose examples in C++ and C are compiled, too.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"
grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "plugins of others are not built with a sanitizer"
mkdir runs
walk docs/quickstart.md --only 'A node of your own'
stop_trainings
walk docs/library.md

# The page's examples: each block of a language is the body of a function.
blocks() {
  awk -v kind="$1" '$0 == "```" kind { inside = 1; print "{"; next }
    /^```/ { if (inside) print "}"; inside = 0 }
    inside' "$repository/docs/library.md"
}
{ echo '#include <loom/model.h>'
  echo '#include <loom/trainer.h>'
  echo 'bool too_long();'
  echo 'void page(const std::string& yaml) {' && blocks cpp && echo '}'; } >page.cpp
{ echo '#include <loom/loom.h>'
  echo '#include <stdio.h>'
  echo 'void page(void) {' && blocks c && echo '}'; } >page.c
for source in page.cpp page.c; do
  checks=$((checks + 1))
  "${CXX:-c++}" $([ $source = page.c ] && echo -x c || echo -std=c++20) -fsyntax-only -I home/latentloom/include $source >err 2>&1 ||
    fail "docs/library.md, $source: $(grep -m 3 error err)"
done

rm -rf acme_huber
walk docs/write-a-node.md
finish_pages
