#!/usr/bin/env bash
# Outputs that cannot be written: closed pipes, full disks, folders without permission. Each is an error with a reason,
# never a crash, a half-written file or a device replaced by a file.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
expect 0 train tiny.yaml --steps 40 --out run
expect 0 sample run --count 4 --out x.npy

# The standard output: closed early is silent, full is said.
"$GRAPH_RUNNER" list --reference 2>err | head -c 1 >/dev/null
codes=("${PIPESTATUS[@]}")
checks=$((checks + 1))
[ "${codes[0]}" -le 1 ] || fail "a closed pipe ends with exit code ${codes[0]}"
[ -s err ] && fail "a closed pipe is reported: $(cat err)"
for arguments in "list" "eval run --json" "bench tiny.yaml --steps 1 --json" "--help" "version --json"; do
  # shellcheck disable=SC2086
  "$GRAPH_RUNNER" $arguments >/dev/full 2>err
  code=$?
  checks=$((checks + 1))
  [ "$code" -eq 1 ] || fail "graph-runner $arguments >/dev/full: exit code $code, not 1"
  says err "E505" "No space left on device"
done
"$GRAPH_RUNNER" version >&- 2>err && fail "a closed standard output is no error"
says err "E505"

# Files: a device stays one, a link stays one, and nothing temporary is left.
ln -s /dev/full full.npy
ln -s /dev/full full.png
expect 1 sample run --count 4 --out full.npy
says err "full.npy" "E505" "No space left on device"
expect 1 sample run --count 4 --out full.png
expect 1 run run --feed x=x.npy --fetch q.mu=/dev/full
says err "/dev/full" "E505"
checks=$((checks + 1))
[ -c /dev/full ] || fail "/dev/full is no device any more"
expect 0 run run --feed x=x.npy --fetch q.mu=mu.npy
expect 0 run run --feed x=x.npy --fetch q.mu=/dev/stdout
head -c "$(wc -c <mu.npy)" out >piped.npy
same mu.npy piped.npy
echo old >target.npy
ln -s target.npy link.npy
expect 0 sample run --count 4 --out link.npy
[ -L link.npy ] || fail "a link was replaced by a file"
same x.npy target.npy
mkdir folder.npy
expect 1 sample run --count 4 --out folder.npy
says err "E505" "Is a directory"
expect 1 sample run --count 4 --out missing/a.png
says err "missing/a.png" "E505" "No such file or directory"
expect 1 train tiny.yaml --out /proc/nope/run
says err "E505" "/proc/nope/run"
ls ./*.tmp 2>/dev/null && fail "a temporary file is left"

# No permission; root has every one.
if [ "$(id -u)" -ne 0 ]; then
  mkdir locked
  chmod a-w locked
  expect 1 train tiny.yaml --out locked/run
  says err "E505" "Permission denied"
  expect 1 sample run --out locked/a.png
  says err "E505" "Permission denied"
else
  echo "not checked as root: a folder without write permission"
fi

# A disk that fills up while training: the error says which file, the last checkpoint stays, and with more room the run
# goes on to the bits of one that was not disturbed.
expect 0 train tiny.yaml --set train.checkpoint_every=5 --set train.keep=50 --lanes 2 --shard 8 --out undisturbed
cat >full_disk.sh <<'SH'
set -u
mkdir -p disk
mount -t tmpfs -o size=20m none disk || exit 77
head -c 20267008 /dev/zero >disk/filler # leaves 688 KiB
"$GRAPH_RUNNER" train tiny.yaml --set train.checkpoint_every=5 --set train.keep=50 --lanes 2 --shard 8 --out disk/run >out 2>err
echo $? >code
ls disk/run/checkpoints/*.tmp >left 2>/dev/null
rm disk/filler
"$GRAPH_RUNNER" train --resume disk/run >resumed 2>&1
echo $? >resumed-code
cp -r disk/run resumed-run
SH
export GRAPH_RUNNER
if unshare --map-root-user --mount true 2>/dev/null; then
  unshare --map-root-user --mount bash full_disk.sh
  case $? in
    0)
      [ "$(cat code)" = 1 ] || fail "a full disk: exit code $(cat code), not 1"
      says err "E505" "No space left on device" "free some space"
      [ -s left ] && fail "a full disk leaves $(cat left)"
      [ "$(cat resumed-code)" = 0 ] || fail "no resume after a full disk: $(tail -n 3 resumed)"
      says resumed "resuming from step"
      same undisturbed/checkpoints/step-000200.safetensors resumed-run/checkpoints/step-000200.safetensors
      ;;
    77) echo "not checked: a full disk (no tmpfs can be mounted here)" ;;
    *) fail "the check of a full disk broke" ;;
  esac
else
  echo "not checked: a full disk (no mount namespace can be made here)"
fi
finish
