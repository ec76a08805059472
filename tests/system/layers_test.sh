#!/usr/bin/env bash
# Dependencies point one way, as docs/architecture.md draws them. This reads every #include and names the line that
# points the wrong way.
set -euo pipefail
cd "${LATENTLOOM_SOURCE:-$(dirname "$0")/../..}"

# What each room may include, beside itself. docs/architecture.md draws the same.
declare -A may=(
  [core]=""
  [math]="core"
  [dnnl]="core math"
  [formula]="core math"
  [graph]="core math formula"
  [document]="core graph formula"
  [run]="core math dnnl graph"
  [plugin]="core graph"
  [data]="core graph"
  [io]="core graph"
  [train]="core math graph document run data io"
  [check]="core math graph run plugin data io"
  [measure]="core math graph document run data train"
  [generate]="core math graph document run plugin data io train measure"
  [report]="core math dnnl graph document run plugin data io train measure generate"
  [embed]="core graph document run plugin data io train measure generate report live"
  [live]="core graph document run plugin data io train check"
  [runner]="core math dnnl graph document run plugin data io train check measure generate report live"
)
# The room that each public header belongs to.
declare -A room_of=(
  [abi]=core [error]=core [random]=core [tensor]=core [math]=math
  [options]=graph [contract]=graph [shape_inference]=graph [node]=graph [advance]=graph [prior]=graph [plugin]=graph
  [dataset]=graph [optimizer]=graph [schedule]=graph [metric]=graph [check]=check [model]=generate [trainer]=embed [loom]=embed
)
wrong=0
complain() { echo "$1"; wrong=1; }

target_of() {  # target_of INCLUDE: the room of an included header; nothing for those of others
  if [[ $1 == loom/* ]]; then
    local header=${1#loom/}
    echo "${room_of[${header%.h}]:-unknown}"
  elif [ -d "framework/${1%%/*}" ]; then
    echo "${1%%/*}"
  fi
}

check() {  # check NAME ALLOWED FILE...: every include of the files
  local name=$1 allowed=$2 file line include target
  shift 2
  while IFS=: read -r file line include; do
    include=$(sed -E 's/^#include [<"]([^>"]+)[>"].*/\1/' <<<"$include")
    target=$(target_of "$include")
    [ -n "$target" ] || continue
    case " $allowed " in
      *" $target "*) ;;
      *) complain "$file:$line: $name must not include $include, of $target (allowed: $allowed)" ;;
    esac
  done < <(grep -nE '^#include [<"][a-z_]+/' "$@" /dev/null || true)
}

for folder in framework/*/; do
  name=$(basename "$folder")
  [ -n "${may[$name]+known}" ] || complain "framework/$name is not drawn"
done
for name in "${!may[@]}"; do
  mapfile -t files < <(find "framework/$name" -name '*.h' -o -name '*.cpp')
  check "framework/$name" "$name ${may[$name]}" "${files[@]}"
done
for header in include/loom/*.h; do
  name=$(basename "$header" .h)
  room=${room_of[$name]:-}
  [ -n "$room" ] || { complain "$header belongs to no room"; continue; }
  check "$header" "$room ${may[$room]}" "$header"
  grep -nE '^#include "' "$header" | grep -vE '"loom/' && complain "$header includes a header that is not installed"
done
[ "$(ls include/loom | wc -l)" -le 20 ] || complain "include/loom/ holds more than 20 headers"
# The standard nodes see what every plugin sees, and the kernels and readers that are not installed.
mapfile -t files < <(find nodes -name '*.h' -o -name '*.cpp')
check nodes "core math formula graph dnnl io" "${files[@]}"
# Plugins and templates see the public headers alone.
if grep -rnE '^#include "[a-z_]+/' plugins templates --include=*.h --include=*.cpp; then
  complain "plugins include the public headers alone, as <loom/...>"
fi
# No file of the framework creates oneDNN primitives but those in dnnl/.
if grep -rnE '#include [<"](oneapi/dnnl/)?dnnl(_types)?\.h(pp)?[">]' framework nodes include --include=*.h --include=*.cpp | grep -v '^framework/dnnl/'; then
  complain "only framework/dnnl/ may include oneDNN"
fi
[ "$wrong" -eq 0 ] && echo "layers: ok"
exit "$wrong"
