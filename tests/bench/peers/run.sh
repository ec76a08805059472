#!/usr/bin/env bash
# run.sh 1.13|2.6 OPTIONS OF bench.py: one measurement of PyTorch, with the settings that are fastest for it.
#   1.13 is Debian 12's: apt-get install python3-torch python3-numpy libopenblas0-openmp
#   2.6 is Debian 13's, in a root of its own: see setup-torch26.sh (PEER_ROOT says where)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${1:-}
[ $# -gt 0 ] && shift

# The OpenMP build of OpenBLAS: with the pthread build two thread pools fight over the cores (seen: 20 times slower).
LD_LIBRARY_PATH=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp
export LD_LIBRARY_PATH
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
# malloc keeps freed memory instead of mapping it anew each step (seen: 1.4 to 1.6 times faster).
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864
# 1.13 takes AVX2 on CPUs where AVX-512 is faster; 2.6 takes AVX-512 by itself.
if grep -qw avx512vl /proc/cpuinfo; then export ATEN_CPU_CAPABILITY=avx512; fi
export PYTHONDONTWRITEBYTECODE=1

case $version in
  1.13)
    [ -d "$LD_LIBRARY_PATH" ] || { echo "run.sh: libopenblas0-openmp is not installed" >&2; exit 3; }
    /usr/bin/python3 -c 'import importlib.util as u, sys; sys.exit(0 if u.find_spec("torch") else 1)' ||
      { echo "run.sh: python3-torch is not installed" >&2; exit 3; }
    exec /usr/bin/python3 "$here/bench.py" "$@" ;;
  2.6)
    root=${PEER_ROOT:-/var/tmp/peer-trixie}
    [ -d "$root/usr/lib/python3/dist-packages/torch" ] ||
      { echo "run.sh: no PyTorch in $root, run setup-torch26.sh" >&2; exit 3; }
    for file in proc/stat dev/null sys/devices; do
      [ -e "$root/$file" ] || { echo "run.sh: $root/${file%/*} is not mounted, run setup-torch26.sh" >&2; exit 3; }
    done
    mkdir -p "$root/opt/latentloom-peers"
    cp "$here"/*.py "$root/opt/latentloom-peers/"
    exec chroot "$root" /usr/bin/python3 /opt/latentloom-peers/bench.py "$@" ;;
  *)
    echo "usage: run.sh 1.13|2.6 --model NAME [options of bench.py]" >&2
    exit 2 ;;
esac
