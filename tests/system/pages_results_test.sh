#!/usr/bin/env bash
# docs/results.md, docs/measurements.md and docs/graph-format.md: every command line runs, on small data. Of the long
# trainings of results.md only the first steps are run, in narrow models; what they measured is not checked here.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
idx_data mnist
cifar_data cifar10
picture_data flowers
recording_data recordings
mkdir -p tests/bench && cp -r "$repository"/tests/bench/{graphs,sharpness.py,recognised.py} tests/bench/
for script in sharpness recognised; do # they need NumPy
  python3 -c 'import numpy' 2>err || printf '#!/usr/bin/env bash\n' >tests/bench/$script.py
done
evidence='tests/bench/peers/evidence.py --train train.npy --test test.npy' # it needs PyTorch, and hours
leave_out "$evidence --at 120000 210000"
leave_out "$evidence --samples 50 --batch 20 --lr 1e-3 --at 40000 50000 --factor 0.316 --steps 60000"
field='tests/bench/field.py train mnist gray cifar --mnist mnist --cifar cifar10' # hours, too: below, its options alone
leave_out "$field"
leave_out 'tests/bench/field.py tables'
walk docs/measurements.md
walk docs/graph-format.md --only 'Completion in an editor'
SMALLER='vars.channels=8 vars.pixel_channels=4 vars.decoder_channels=8' walk docs/results.md --without Sharpness
walk docs/results.md --only Sharpness

# docs/benchmarks.md: the options that it gives to compare.sh are options; a comparison itself takes hours.
command -v python3 >/dev/null || { echo "SKIPPED: docs/benchmarks.md, and the sharpness of docs/results.md: there is no python3"; finish_pages; }
while read -r command; do
  command=${command%%  #*}
  checks=$((checks + 1))
  python3 "$repository/tests/bench/compare.py" ${command#*compare.sh} --help >out 2>err || fail "docs/benchmarks.md: $command: $(cat err)"
done < <(grep '^tests/bench/compare.sh ' "$repository/docs/benchmarks.md")
checks=$((checks + 2))
read -ra words <<<"$field"
python3 "$repository/${words[0]}" "${words[@]:1}" --help >out 2>err || fail "$field: $(cat err)"
{ python3 "$repository/${words[0]}" tables >out 2>err && grep -q '^| graph | negative ELBO' out; } || fail "field.py tables: $(cat out err)"
finish_pages
