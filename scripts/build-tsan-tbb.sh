#!/usr/bin/env bash
# Builds the distribution's oneTBB with the thread sanitizer into build/tsan-tbb/lib and prints that folder. The package
# itself is built without it: its synchronization would be invisible, and every task it hands over reported as a race.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build/tsan-tbb
if [ ! -e "$folder/lib/libtbb.so.12" ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  mkdir -p "$folder"
  {
    # The archive of the sources of what is installed: the package lists of binaries, asked for sources.
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends dpkg-dev
    lists=$(mktemp -d)
    chmod 755 "$lists"
    for file in /etc/apt/sources.list.d/*.sources; do
      [ -e "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$lists/$(basename "$file")"
    done
    [ -s /etc/apt/sources.list ] && sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$lists/main.list"
    options=(-o "Dir::Etc::sourceparts=$lists" -o Dir::Etc::sourcelist=/dev/null)
    "${as_root[@]}" apt-get "${options[@]}" update -qq
    (cd "$folder" && apt-get "${options[@]}" source -qq onetbb)
    rm -rf "$lists"
    "${as_root[@]}" apt-get update -qq
    source=$(find "$folder" -maxdepth 1 -type d -name 'onetbb-*' | head -n 1)
    cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTBB_TEST=OFF -DTBB_STRICT=OFF \
      -DTBBMALLOC_BUILD=OFF -DCMAKE_CXX_FLAGS="-fsanitize=thread"
    cmake --build "$folder/build" --target tbb
    mkdir -p "$folder/lib"
    find "$folder/build" -name 'libtbb.so*' -exec cp -a {} "$folder/lib/" \;
  } >&2
fi
echo "$folder/lib"
