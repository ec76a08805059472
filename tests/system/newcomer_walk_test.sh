#!/usr/bin/env bash
# A newcomer's walk, from the installed prefix alone: a plugin is made, built, checked, trained with, changed, and swapped
# into the running training. What is typed and answered is docs/hot-swap-walk.txt (UPDATE_WALK=1 writes it anew).
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"
grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "plugins of others are not built with a sanitizer"
export CCACHE_DISABLE=1

cmake --install "$build" --prefix "$work/latentloom" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
unset LATENTLOOM_PLUGINS LOOM_PLUGIN_PATH LD_LIBRARY_PATH
PATH=$work/latentloom/bin:$PATH
started=$(date +%s%N)

# step COMMAND: as typed at a prompt; it must end with 0. The transcript has it with its answer and the second it came.
step() {
  local code=0
  eval "$1" >answer 2>&1 || code=$?
  checks=$((checks + 1))
  [ $code -eq 0 ] || { fail "'$1' ended with $code"; tail -n 20 answer; }
  printf '%5.1f s  $ %s\n' "$((($(date +%s%N) - started) / 100000000))e-1" "$1" >>walk.txt
  sed "s|$work/||g; s/^/         /" answer | head -n 14 >>walk.txt
}

# note TEXT: what happens elsewhere.
note() { printf '         # %s\n' "$1" >>walk.txt; }

swaps() { graph-runner ctl run status --json >status && json /swaps status; }
swapped() {
  local tries=0
  until [ "$(swaps)" -ge "$1" ]; do
    sleep 0.1
    tries=$((tries + 1))
    [ $tries -lt 300 ] && kill -0 $training 2>/dev/null && continue
    fail "swap $1 did not come"
    cat train.log
    finish
  done
}

step "graph-runner new-plugin robust --kind loss"
step "cmake -S robust -B robust/build -G Ninja -DCMAKE_PREFIX_PATH=latentloom >/dev/null && cmake --build robust/build && ctest --test-dir robust/build | tail -n 3"
step "graph-runner check robust/build/librobust.so"
step "cat robust/robust.yaml"

note "graph-runner train robust/robust.yaml --plugin robust/build/librobust.so --watch --steps 1000000 --out run &"
graph-runner train robust/robust.yaml --plugin robust/build/librobust.so --watch --steps 1000000 --log-every 1000 \
  --set train.eval_every=0 --set train.checkpoint_every=0 --out run >train.log 2>&1 &
training=$!
until [ -S run/control.sock ] || ! kill -0 $training 2>/dev/null; do sleep 0.05; done
step "graph-runner ctl run status"

note "a different formula: half the squared residual becomes Huber's loss divided by delta"
step "sed -i 's|delta_ ? r \\* r / 2 : delta_ \\* (std::abs(r) - delta_ / 2);|delta_ ? r * r / (2 * delta_) : std::abs(r) - delta_ / 2;|; s|factor \\* std::clamp(m - t, -delta_, delta_)|factor * std::clamp(m - t, -delta_, delta_) / delta_|' robust/robust.cpp"
step "grep -c '/ (2 \\* delta_)' robust/robust.cpp"
step "cmake --build robust/build"
swapped 1
step "tail -n 1 train.log"

note "a mistake in the gradient: refused, and the training job continues unchanged"
step "cp robust/robust.cpp good.cpp && sed -i 's|delta_, delta_) / delta_|delta_, delta_) * 3|' robust/robust.cpp && cmake --build robust/build"
until graph-runner ctl run status --json >status && [ "$(json /refused status)" -ge 1 ]; do sleep 0.1; done
step "grep -A 3 'not swapped' train.log"
says train.log E606 "gradient of"
step "cp good.cpp robust/robust.cpp && cmake --build robust/build"
swapped 2

note "a line of YAML"
step "sed -i 's/delta: 0.5, weight: 10/delta: 0.25, weight: 20/' robust/robust.yaml"
swapped 3
step "tail -n 1 train.log"
says train.log "delta is 0.25 instead of 0.5; losses.reconstruction.weight is 20 instead of 10 ["
step "graph-runner ctl run set train.optimizer.lr=3e-4"
step "graph-runner ctl run stop"
wait $training
checks=$((checks + 1))
[ $? -eq 0 ] || fail "the training did not end with 0"

# The page shows the commands as they are typed here.
grep '\$ ' walk.txt | sed 's/^ *[0-9.]* s  //' >typed.txt
if [ -n "${UPDATE_WALK:-}" ]; then
  cp walk.txt "$repository/docs/hot-swap-walk.txt"
fi
grep '\$ ' "$repository/docs/hot-swap-walk.txt" | sed 's/^ *[0-9.]* s  //' >page.txt
same typed.txt page.txt
finish
