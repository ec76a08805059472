#!/usr/bin/env bash
# Data larger than the memory that a process may have: pictures are decoded when they are read, and none are kept.
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
grep -qs '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "a sanitizer takes more address space than the limit"

# A picture of 1024 x 1024 pixels: 3 MiB in its file, 12 MiB decoded; 400 of them are 4.8 GB.
bmp() {
  printf 'BM\066\0\060\0\0\0\0\0\066\0\0\0\050\0\0\0\0\004\0\0\0\004\0\0\001\0\030\0\0\0\0\0\0\0\060\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  head -c 3145728 /dev/zero | tr '\0' "\\$1"
}
mkdir pictures
for i in 101 120 140 160; do bmp "$i" >pictures/$i.bmp; done
for i in 101 120 140 160; do for k in $(seq 99); do ln pictures/$i.bmp pictures/$i-$k.bmp; done; done

# With what the executable takes for itself, less than the decoded pictures.
ulimit -v 4000000 || skip "the memory of a process cannot be limited here"
expect 0 check images:pictures,size=1024 --threads 2
says out "400 items" "every item was read"
cat >big.yaml <<'YAML'
version: 1
graph: big
nodes:
  x:    {type: input, shape: [1024, 1024, 3]}
  y:    {type: pool, in: x, kernel: 64, stride: 64}
  z:    {type: linear, in: y, units: 3}
losses: {l: {type: squared_error, in: {x: z, target: y}}}
train: {batch: 2, steps: 12}
YAML
expect 0 train big.yaml --data images:pictures,size=1024 --threads 2 --out run
finish
