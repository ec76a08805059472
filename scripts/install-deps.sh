#!/usr/bin/env bash
# Installs what Latentloom builds with, from Debian 12 or later (or Ubuntu 23.04 or later); says first what is missing.
#   scripts/install-deps.sh             what is needed to build, test and use it
#   scripts/install-deps.sh --checks    also clang-format and clang-tidy, for scripts/test.sh --checks
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config
  libdnnl-dev libtbb-dev libyaml-cpp-dev libfmt-dev libboost-test-dev
  libcli11-dev libspdlog-dev nlohmann-json3-dev libsqlite3-dev libsndfile1-dev libsamplerate0-dev libpng-dev
  libturbojpeg0-dev libstb-dev libwebp-dev libtiff-dev libcsv-dev libarchive-dev libxxhash-dev libhwy-dev librandom123-dev libzip-dev zlib1g-dev
)
[ "${1:-}" = "--checks" ] && packages+=(clang-format clang-tidy)

installed() { dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null || {
  echo "install-deps: this system has no apt-get; install by hand: ${missing[*]}" >&2
  exit 1
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install-deps: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "install-deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
