#!/usr/bin/env bash
# Dependencies point one way: core <- graph <- {document, run, plugin} <- {data, train} <- {measure, live} <- runner; nodes see core, the
# node contract and dnnl. This reads every #include and names the line that points the wrong way.
set -euo pipefail
cd "${LATENTLOOM_SOURCE:-$(dirname "$0")/../..}"

declare -A may=(
  [core]="core"
  [dnnl]="core dnnl"
  [graph]="core graph"
  [document]="core graph document"
  [run]="core graph run"
  [plugin]="core graph plugin"
  [data]="core graph document data"
  [train]="core graph document run data train"
  [measure]="core graph document run data train measure"
  [testing]="core graph run plugin data testing"
  [live]="core graph document run plugin data testing train live"
  [runner]="core dnnl graph document run plugin data train live measure testing runner"
)
wrong=0
for folder in "${!may[@]}"; do
  while IFS=: read -r file line include; do
    [ -n "$file" ] || continue
    target=$(sed -E 's/.*"([a-z_]+)\/.*/\1/' <<<"$include")
    [ -d "framework/$target" ] || continue
    case " ${may[$folder]} " in
      *" $target "*) ;;
      *) echo "$file:$line: framework/$folder must not include $target/ (allowed: ${may[$folder]})"; wrong=1 ;;
    esac
  done < <(grep -rnE '^#include "[a-z_]+/' "framework/$folder" --include=*.h --include=*.cpp || true)
done
while IFS=: read -r file line include; do
  [ -n "$file" ] || continue
  target=$(sed -E 's/.*"([a-z_]+)\/.*/\1/' <<<"$include")
  [ -d "framework/$target" ] || continue
  case " core graph dnnl data " in
    *" $target "*) ;;
    *) echo "$file:$line: nodes/ must not include $target/ (allowed: core, graph, dnnl, data)"; wrong=1 ;;
  esac
done < <(grep -rnE '^#include "[a-z_]+/' nodes --include=*.h --include=*.cpp || true)

# No file of the framework creates oneDNN primitives but those in dnnl/.
if grep -rnE '#include [<"](oneapi/dnnl/)?dnnl(_types)?\.h(pp)?[">]' framework nodes --include=*.h --include=*.cpp | grep -v '^framework/dnnl/'; then
  echo "only framework/dnnl/ may include oneDNN"
  wrong=1
fi
[ "$wrong" -eq 0 ] && echo "layers: ok"
exit "$wrong"
