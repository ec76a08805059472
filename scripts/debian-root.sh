#!/usr/bin/env bash
# Makes a bare Debian root, copies the committed files of this tree into it, and runs a command there. Needs root, debootstrap
# and 6 GB of disk. Prints how long each stage takes.
#   scripts/debian-root.sh bookworm scripts/demo.sh     Debian 12
#   scripts/debian-root.sh trixie scripts/test.sh       Debian 13
# LATENTLOOM_ROOTS names the folder of the roots (default: /var/tmp/latentloom-roots). The bare root is kept there for the
# next time; the copy that the command runs in is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
release=$1
shift
roots=${LATENTLOOM_ROOTS:-/var/tmp/latentloom-roots}
bare=$roots/$release-bare root=$roots/$release

[ "$(id -u)" -eq 0 ] || { echo "debian-root: run as root: it makes a root file system" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debian-root: install debootstrap" >&2; exit 1; }

stage() {  # stage NAME COMMAND...
  local start=$SECONDS name=$1
  shift
  "$@"
  echo "== $name: $((SECONDS - start)) s"
}

unmount() {
  for point in dev/pts dev/shm dev sys proc; do
    if mountpoint -q "$root/$point"; then umount -l "$root/$point"; fi
  done
}

make_bare() {
  [ -e "$bare/done" ] && return
  rm -rf "$bare"
  mkdir -p "$bare"
  debootstrap --variant=minbase --include=ca-certificates,git "$release" "$bare" >"$roots/$release.log" 2>&1 ||
    { tail -n 20 "$roots/$release.log" >&2; exit 1; }
  touch "$bare/done"
}

copy_root() {
  unmount
  rm -rf --one-file-system "$root"  # what somebody else has mounted there is not ours to remove
  cp -a "$bare" "$root"
  # The host's way to the package mirror: proxies and the like.
  for file in /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do
    if [ -e "$file" ]; then cp -L "$file" "$root$file"; fi
  done
  mkdir -p "$root/latentloom"
  git archive HEAD | tar -x -C "$root/latentloom"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --bind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
}

mkdir -p "$roots"
trap unmount EXIT
stage "bare root" make_bare
stage "copy" copy_root
in_root() { chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb bash -c 'cd /latentloom && exec "$@"' in-root "$@"; }
stage "packages" in_root scripts/install-deps.sh >"$roots/$release-packages.log" 2>&1 || { tail -n 20 "$roots/$release-packages.log" >&2; exit 1; }
tail -n 1 "$roots/$release-packages.log"
stage "$*" in_root "$@"
