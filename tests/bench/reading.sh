#!/usr/bin/env bash
# Items read in a second, with one and two threads: graph-runner check DATA, and, where python3 has it, torchvision's (or
# else Pillow's) reading of the same pictures. Rounds in turn, medians.
#   tests/bench/reading.sh FOLDER [SIZE [ROUNDS]]        a folder of pictures; SIZE pixels (128)
#   PYTHON=python3 in the environment names the interpreter
set -euo pipefail
folder=$1 size=${2:-128} rounds=${3:-7}
repository=$(cd "$(dirname "$0")/../.." && pwd)
runner=${GRAPH_RUNNER:-$repository/build/release/bin/graph-runner}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/peer.py" <<'PY'
import glob, sys, time
from multiprocessing import Pool
folder, size, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
try:
    from torchvision.transforms import functional as f
    from PIL import Image
    name = "torchvision"
    def read(path):
        return f.to_tensor(f.center_crop(f.resize(Image.open(path).convert("RGB"), size), size)).mean().item()
except ImportError:
    import numpy as np
    from PIL import Image, ImageOps
    name = "Pillow"
    def read(path):
        picture = ImageOps.fit(Image.open(path).convert("RGB"), (size, size), Image.BILINEAR)
        return float((np.asarray(picture, dtype=np.float32) / 255).mean())
files = sorted(p for p in glob.glob(folder + "/**/*", recursive=True) if p.lower().endswith((".jpg", ".jpeg", ".png")))
if __name__ == "__main__":
    read(files[0])
    if processes == 1:
        start = time.perf_counter()
        for path in files: read(path)
    else:
        with Pool(processes) as pool:
            pool.map(read, files[:processes])
            start = time.perf_counter()
            pool.map(read, files, chunksize=16)
    print(name, len(files) / (time.perf_counter() - start))
PY

ours() { "$runner" check "images:$folder,size=$size" --threads "$1" --json | grep -o '"items_per_s": *[0-9.e+]*' | grep -o '[0-9.e+]*$'; }
peer() { "$python" "$work/peer.py" "$folder" "$size" "$1" 2>/dev/null || echo "none 0"; }
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for _ in $(seq "$rounds"); do
  for threads in 1 2; do
    ours $threads >>"$work/ours-$threads"
    read -r name rate < <(peer $threads)
    echo "$rate" >>"$work/peer-$threads"
  done
done
grep -m 1 "model name" /proc/cpuinfo
for threads in 1 2; do
  echo "$threads thread(s): $(median "$work/ours-$threads") items/s; $name $(median "$work/peer-$threads") items/s"
done
