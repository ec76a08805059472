#!/usr/bin/env bash
# Many swaps in one run: memory, descriptors, mapped libraries and files stay as they are. HOT_SWAPS sets how many.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/hot_swap_lib.sh"
zoo_graph zoo.yaml
swaps=${HOT_SWAPS:-150}
warm_up=50

resident_kib() { awk '/VmRSS/ { print $2 }' "/proc/$training/status"; }
descriptors() { ls "/proc/$training/fd" | wc -l; }
mapped() { grep -c libzoo "/proc/$training/maps"; }

begin run
behaviours=(good other-formula)
for i in $(seq "$swaps"); do
  behave "${behaviours[$((i % 2))]}"
  ctl 0 run reload "$plugin" || break
  if [ "$i" -eq $warm_up ]; then
    before=$(resident_kib) descriptors_before=$(descriptors) mapped_before=$(mapped)
  fi
done
sleep 0.3
after=$(resident_kib)
echo "$swaps swaps: resident $before KiB after $warm_up, $after KiB at the end; $(descriptors) descriptors"
sanitized || holds "$after - $before < 10240"
holds "$(descriptors) <= $descriptors_before"
holds "$(mapped) <= $mapped_before + 8"
ctl 0 run status --json
holds "$(json /swaps) == $swaps"
holds "$(json /open_libraries) <= 2"
stop run
finish
