#!/usr/bin/env bash
# Each public header compiles by itself, with every compiler that there is.
. "$(dirname "$0")/lib.sh"

for compiler in g++ clang++; do
  command -v $compiler >/dev/null || { echo "headers: $compiler is not installed, left out"; continue; }
  for header in "$repository"/include/loom/*.h; do
    checks=$((checks + 1))
    echo "#include \"loom/$(basename "$header")\"" >one.cpp
    $compiler -std=c++20 -fsyntax-only -Wall -Wextra -I "$repository/include" one.cpp 2>err && continue
    fail "$compiler does not compile loom/$(basename "$header"): $(grep -m 1 error err)"
  done
done
finish
