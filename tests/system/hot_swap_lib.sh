# What the scripts about changes of a running training share: a small graph with the zoo's loss, begun in the background.
#   begin RUN ARGUMENT...    trains zoo.yaml into RUN, watched; waits until it listens
#   ctl CODE RUN WORD...     graph-runner ctl RUN WORD..., which ends with CODE
#   stop RUN                 stops it; $stopped_at is the step
#   sanitized                whether the build has a sanitizer: slower, and memory is no measure
#   behave NAME              the plugin in use becomes one that behaves so (zoo/zoo.cpp), by a rename as a linker does it
zoo=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)/zoo/libzoo.so
standard=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)/lib/latentloom/plugins
sanitized() { grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$(dirname "$GRAPH_RUNNER")/../CMakeCache.txt"; }
mkdir plugins
export LATENTLOOM_PLUGINS=$standard:$work/plugins
plugin=$work/plugins/libzoo.so
cp "$zoo" "$plugin" || { echo "FAILED: there is no $zoo"; exit 1; }

# The library with another behaviour written over "good", padded to the same length.
zoo_like() {
  local padded
  padded=$(printf 'ZOO:%-24s' "$1")
  LC_ALL=C sed "s/ZOO:good                    /$padded/" "$zoo" >"$2"
  [ "$(stat -c %s "$zoo")" -eq "$(stat -c %s "$2")" ] || fail "the zoo's $1 has another size"
}

behave() {
  zoo_like "$1" next.so
  mv next.so "$plugin"
}

zoo_graph() {
  cat >"$1" <<'YAML'
version: 1
graph: zoo
doc: A small autoencoder with a loss that misbehaves on demand.
data: {type: sprites, size: 16, count: 400}
nodes:
  x:       {type: input, shape: [16, 16, 1]}
  flat:    {type: flatten, in: x}
  hidden:  {type: linear, in: flat, units: 16, activation: relu}
  out:     {type: linear, in: hidden, units: 256}
losses:
  error:   {type: zoo_loss, in: {x: out, target: flat}}
train: {batch: 16, steps: 100000000, optimizer: {type: adam, lr: 1.0e-3}, checkpoint_every: 0}
YAML
}

begin() {
  local run=$1 tries=0
  shift
  "$GRAPH_RUNNER" train zoo.yaml --out "$run" --lanes 2 --shard 8 --log-every 1000 "$@" >"$run.out" 2>"$run.err" &
  training=$!
  until [ -S "$run/control.sock" ]; do
    sleep 0.05
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $training 2>/dev/null && continue
    fail "the training does not begin"
    cat "$run.err"
    finish
  done
}

ctl() {
  local wanted=$1
  shift
  expect "$wanted" ctl "$@"
}

stop() {
  ctl 0 "$1" stop --json
  stopped_at=$(json /step)
  wait $training
  checks=$((checks + 1))
  [ $? -eq 0 ] || fail "the training that was stopped did not end with 0"
}

# The bytes of a checkpoint's tensors, without the header before them.
tensors_of() { tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1"; }

# The run's last checkpoint holds the bits of a training in which nothing was tried.
same_as_untouched() {
  local file
  expect 0 train zoo.yaml --out "untouched-$1" --lanes 2 --shard 8 --steps "$stopped_at" --set train.eval_limit=16 "${@:2}"
  file=$(printf 'checkpoints/step-%06d.safetensors' "$stopped_at")
  exists "$1/$file" "untouched-$1/$file"
  tensors_of "$1/$file" >touched.bin
  tensors_of "untouched-$1/$file" >untouched.bin
  exists touched.bin
  same touched.bin untouched.bin
}
