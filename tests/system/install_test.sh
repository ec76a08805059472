#!/usr/bin/env bash
# The installed tree: it can be moved, runs its graphs, and a plugin builds against it and is loaded.
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
[ -f "$build/CMakeCache.txt" ] || skip "$build is no build folder"

grep -q '^LATENTLOOM_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip "plugins of others are not built with a sanitizer"

cmake --install "$build" --prefix "$work/first" >install.log 2>&1 || fail "cmake --install: $(tail -n 3 install.log)"
mv first moved
prefix=$work/moved
runner_of_build=$GRAPH_RUNNER
GRAPH_RUNNER=$prefix/bin/graph-runner
unset LATENTLOOM_PLUGINS LD_LIBRARY_PATH

# Nothing of the build tree is used: neither libraries nor plugins.
checks=$((checks + 1))
for binary in "$prefix/bin/graph-runner" "$prefix"/lib/liblatentloom.so "$prefix"/lib/latentloom/plugins/*.so; do
  ldd "$binary" | grep -F "$build" && fail "$binary needs a library of the build tree"
done
expect 0 list --json
grep -qF "$build" out && fail "the plugins of the build tree are listed"
cp out installed.json
"$runner_of_build" list --json | sed "s|$build|$prefix|" >built.json
same built.json installed.json

graphs=$prefix/share/latentloom/graphs
for graph in "$graphs"/*.yaml; do
  grep -q 'weights: "${run}"' "$graph" && continue # it stands on a run: graphs_test.sh makes one
  expect 0 validate "$graph"
done
expect 0 train "$graphs/vae.yaml" --steps 3 --batch 8 --set train.eval_limit=16 --out run
is_png run/samples.png run/reconstructions.png
exists run/report.html
cd / && expect 0 version # from anywhere
cd "$work" || exit 1

# A plugin of another author: built with find_package(Latentloom) alone, checked, used.
cp -r "$repository/plugins/student_t_nll" plugin
{ cmake -S plugin -B plugin-build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" && cmake --build plugin-build; } >plugin.log 2>&1 ||
  fail "the plugin does not build: $(tail -n 8 plugin.log)"
grep -q "warning" plugin.log && fail "the plugin builds with warnings: $(grep -m 3 warning plugin.log)"
export LOOM_PLUGIN_PATH="$work/plugin-build"
expect 0 check student_t_nll --plugin student_t_nll --shape mean=4,3 --shape target=4,3
says out "ok:"
expect 0 check "$work/plugin-build/libstudent_t_nll.so" --set nu=1 --set sigma=0.1 --strict
expect 0 inspect student_t_nll --plugin student_t_nll
says out "degrees of freedom" "likelihood"
# The graph of docs/write-a-node.md.
awk '/^```yaml/ { block = ""; inside = 1; next } /^```/ { inside = 0 } inside { block = block $0 "\n" } END { printf "%s", block }' \
  "$repository/docs/write-a-node.md" >"$graphs/robust.yaml"
says "$graphs/robust.yaml" student_t_nll
expect 0 validate "$graphs/robust.yaml"
expect 0 train "$graphs/robust.yaml" --steps 3 --batch 8 --set train.eval_limit=16 --out robust --json
has_json /negative_elbo
unset LOOM_PLUGIN_PATH
expect 0 validate "$graphs/robust.yaml" # the one that is installed with the worked plugins
rm "$prefix/lib/latentloom/plugins/optional/libstudent_t_nll.so"
expect 65 validate "$graphs/robust.yaml"
says err "E601" "student_t_nll"
finish
