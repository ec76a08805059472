#!/usr/bin/env bash
# setup-torch26.sh [--with-compiler]: PyTorch 2.6 from Debian 13 in a root of its own, for run.sh 2.6.
# Takes 5 to 10 minutes, needs root.
#   PEER_ROOT          where (default /var/tmp/peer-trixie)
#   --with-compiler    also what bench.py --compile needs
# Run it again after a reboot: it only mounts what is missing.
# To remove it: umount ROOT/proc ROOT/dev ROOT/sys, then rm.
set -euo pipefail
root=${PEER_ROOT:-/var/tmp/peer-trixie}
packages=(python3-torch python3-numpy libopenblas0-openmp)
case ${1:-} in
  '') ;;
  --with-compiler) packages+=(python3-setuptools libtorch-dev g++) ;;
  *) echo "usage: setup-torch26.sh [--with-compiler]" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "setup-torch26.sh: needs root (debootstrap, chroot)" >&2; exit 1; }

command -v debootstrap >/dev/null || apt-get install -y debootstrap
[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase trixie "$root"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/sys" || mount -t sysfs sys "$root/sys"
mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
chroot "$root" apt-get install -y --no-install-recommends "${packages[@]}"
chroot "$root" /usr/bin/python3 -c 'import torch; print("torch", torch.__version__)'
