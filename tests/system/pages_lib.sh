# Walks the pages of the documentation as a reader does; a test of pages begins with  . lib.sh  and then  . pages_lib.sh
#   walk PAGE [--only HEADING | --without HEADING]
#                       runs a page from top to bottom in one shell, in the current folder: its blocks of commands (```sh),
#                       its complete commands in prose (`graph-runner ...`), its documents (```yaml). HEADING is a pattern
#                       of awk; what follows such a heading, up to the next one, is walked alone, or left out.
#   SMALLER='vars.NAME=VALUE ...' walk PAGE
#                       makes models smaller that have such variables; with vars.size=N, pictures are read at N, too
#   IN_BACKGROUND=true walk PAGE
#                       every training of the page goes into the background, until the test ends it
#   leave_out COMMAND   a command that is not run; it must be on a page that is walked
# What is typed is what runs. Only graph-runner is another one: it finds the executable of the build, with few steps, small
# batches and few items, and a training with --watch goes into the background, as in a second terminal.
#
# A document is named by the last `NAME.yaml` of the paragraph before it. A file of that name in the repository must say the same:
# what the document says over it changes nothing. Any other document is written to that name, and must be valid.
. "$repository/tests/system/pages_data.sh"
build=$(cd "$(dirname "$GRAPH_RUNNER")/.." && pwd)
cp -r "$repository/graphs" "$repository/examples" .
mkdir -p build/release/bin home scripts
for entry in "$build"/*; do
  [ "$(basename "$entry")" = bin ] || ln -s "$entry" build/release/
done
cp "$repository/scripts/demo.sh" scripts/
for script in install-deps build; do printf '#!/usr/bin/env bash\necho "done already"\n' >scripts/$script.sh; done
chmod +x scripts/*.sh
export HOME=$work/home CCACHE_DISABLE=1 PAGES=$work GRAPH_RUNNER_OF_BUILD=$GRAPH_RUNNER
unset LATENTLOOM_PLUGINS LOOM_PLUGIN_PATH
: >left-out
: >left-out-seen
: >trainings
trap 'while read -r pid run; do kill -KILL "$pid"; done <"$work/trainings" 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT

cat >build/release/bin/graph-runner <<'SCRIPT'
#!/usr/bin/env bash
# graph-runner as a page calls it: a training is cut to a few steps, an evaluation to a few items.
# at_size DATA: with the size of SMALLER, where there is one.
at_size() {
  [[ " ${SMALLER:-}" =~ \ vars.size=([0-9]+) ]] || { echo "$1"; return; }
  sed "s/,size=[0-9]*/,size=${BASH_REMATCH[1]}/" <<<"$1"
}
variables() { sed -n '/^vars:/,/^[a-uw-z]/{/^[a-uw-z]/!p}' "$1"; }
arguments=()
run= resumed=false watched=false more=false
verb=${1:-}
[ "$verb" != train ] || watched=${IN_BACKGROUND:-false}
while [ $# -gt 0 ]; do
  case $verb:$1 in
    train:--batch | eval:--limit | eval:--nll-samples) [ "$1" = --nll-samples ] && arguments+=("$1" 3); shift ;;
    train:--steps) more=true; shift ;;
    train:--resume) resumed=true; run=$2; arguments+=("$1") ;;
    train:--out) run=$2; arguments+=("$1") ;;
    train:--watch) watched=true; arguments+=("$1") ;;
    train:--data) arguments+=("$1" "$(at_size "$2")"); shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
case $verb in
  train)
    graph=${arguments[1]}
    [ -f "$graph" ] || graph=graphs/$graph.yaml # by its name
    # Without --out, into the first free number.
    if [ -z "$run" ]; then
      run=$(sed -n 's/^graph: *//p' "$graph") n=1
      while [ -e "runs/$run-$n" ]; do n=$((n + 1)); done
      run=runs/$run-$n
    fi
    if $resumed; then
      # One that was without an end goes on for some steps from its newest checkpoint.
      newest=$(ls "$run/checkpoints" | sed -n 's/^step-0*\([1-9][0-9]*\)\..*/\1/p' | sort -n | tail -n 1)
      if ! $watched && grep -qF "$(realpath "$run")" "$PAGES/trainings"; then arguments+=(--steps $((newest + 3)))
      elif $more; then arguments+=(--steps 5); fi
    elif $watched; then
      arguments+=(--steps 1000000 --batch 4 --log-every 1000 --set train.eval_every=0 --set train.checkpoint_every=500)
    else
      arguments+=(--steps 3 --batch 4 --set train.eval_limit=8 --set train.eval_every=3)
    fi
    $resumed || for change in ${SMALLER:-}; do
      name=${change#vars.}
      ! variables "$graph" | grep -qE "\b${name%=*}:" || arguments+=(--set "$change")
    done ;;
  eval) arguments+=(--limit 32) ;;
  # As far as a training would be when a reader types on.
  ctl) until [ -S "${arguments[1]}/control.sock" ] || [ $((++waited)) -gt 600 ]; do sleep 0.1; done ;;
  report) until ls "${arguments[1]}"/checkpoints/step-*.safetensors >/dev/null 2>&1 || [ $((++waited)) -gt 600 ]; do sleep 0.1; done ;;
esac
if [ "$verb ${arguments[2]:-}" = "ctl stop" ]; then
  # A reader sees the other terminal come back before the next command.
  "$GRAPH_RUNNER_OF_BUILD" "${arguments[@]}" || exit
  while read -r pid folder; do
    [ "$folder" != "$(realpath "${arguments[1]}")" ] || while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done <"$PAGES/trainings"
  exit 0
fi
$watched || exec "$GRAPH_RUNNER_OF_BUILD" "${arguments[@]}"
mkdir -p "$(dirname "$run")"
"$GRAPH_RUNNER_OF_BUILD" "${arguments[@]}" >>"$run.log" 2>&1 &
echo "$! $(realpath -m "$run")" >>"$PAGES/trainings"
until "$GRAPH_RUNNER_OF_BUILD" ctl "$run" status >/dev/null 2>&1; do
  kill -0 $! 2>/dev/null || { cat "$run.log"; exit 1; }
  sleep 0.1
done
SCRIPT
chmod +x build/release/bin/graph-runner
export PATH=$work/build/release/bin:$PATH

# The part of a page that is walked, as a script: at PLACE, then what is typed there. Documents and the words before them
# come as here-documents.
cat >page.awk <<'SCRIPT'
function place() { return name ":" NR }
function walked() { return only != "" ? heading ~ only : without == "" || heading !~ without }
function inline_commands(text,   command) {
  while (match(text, /`graph-runner [^`]+`/)) {
    command = substr(text, RSTART + 1, RLENGTH - 2)
    text = substr(text, RSTART + RLENGTH)
    # Complete: no placeholder in capitals, no list of further arguments, and more than a verb that needs arguments.
    if (command ~ /(^|[^A-Za-z_])[A-Z][A-Z]+/ || command ~ /\.\.\./) continue
    if (command ~ /^graph-runner [a-z-]+$/ && command !~ /(list|runs|version)$/) continue
    printf "at '%s'\n%s\n", place(), command
  }
}
function paragraph_ends() { if (walked()) inline_commands(paragraph); if (paragraph != "") before = paragraph; paragraph = "" }
/^```/ && !inside {
  paragraph_ends()
  inside = 1
  kind = substr($0, 4)
  if (!walked()) kind = "left"
  if (kind == "sh") printf "at '%s'\n", place()
  if (kind == "yaml") {
    file = ""
    while (match(before, /`[A-Za-z0-9_.\/-]+\.yaml`/)) {
      file = substr(before, RSTART + 1, RLENGTH - 2)
      before = substr(before, RSTART + RLENGTH)
    }
    printf "at '%s'\ndocument '%s' <<'END_OF_DOCUMENT'\n", place(), file
  }
  next
}
/^```$/ && inside { inside = 0; if (kind == "yaml") print "END_OF_DOCUMENT"; next }
inside { if (kind == "sh" || kind == "yaml") print; next }
/^#/ { paragraph_ends(); heading = $0; next }
/^$/ { paragraph_ends(); next }
{ paragraph = paragraph " " $0 }
END { paragraph_ends() }
SCRIPT

# What a walk knows beside the commands of its page.
cat >walk-begin.sh <<'SCRIPT'
set -eEu -o pipefail
at() { echo "$1" >"$PAGES/at"; }
trap 'echo "$BASH_COMMAND" >>"$PAGES/failed"' ERR
# document FILE: the text on standard input.
document() {
  local text
  text=$(cat)
  [ -n "$1" ] || { echo "the paragraph before the document does not name its file"; return 1; }
  if [ ! -e "$REPOSITORY/$1" ]; then
    printf '%s\n' "$text" >"$1"
    graph-runner validate "$1"
    return
  fi
  local part=${1%.yaml}-as-the-page-has-it.yaml parent removed
  parent=$(sed -n 's/^extends: *//p' <<<"$text")
  [ -z "$parent" ] || grep -qx "extends: *$parent" "$1"
  # What the page removes is removed by the file, and cannot be removed again.
  for removed in $(grep -oE '[a-z_]+: null' <<<"$text" | cut -d: -f1); do grep -qE "\b$removed: null" "$1"; done
  { echo "extends: $(basename "$1")"; sed -E '/^extends:/d; /^version:/d; s/[a-z_]+: null,? *//g' <<<"$text"; } >"$part"
  graph-runner render "$1" >"$PAGES/whole"
  graph-runner render "$part" >"$PAGES/over"
  rm "$part"
  diff "$PAGES/whole" "$PAGES/over"
}
SCRIPT

leave_out() { printf '%s\n' "$1" >>"$work/left-out"; }

walk() {
  local page=$1 only= without= name walked
  shift
  [ "${1:-}" = --only ] && only=$2
  [ "${1:-}" = --without ] && without=$2
  name=$(basename "$page" .md)
  { cat "$work/walk-begin.sh" && awk -v name="$page" -v only="$only" -v without="$without" -f "$work/page.awk" "$repository/$page"; } |
    awk -v list="$work/left-out" -v seen="$work/left-out-seen" \
      'BEGIN { while ((getline line < list) > 0) left[line] = 1 }
       { typed = $0; sub(/ +#.*/, "", typed) }
       typed in left { print typed >>seen; next }
       { print }' \
      >"$work/walk-$name.sh"
  walked=$(grep -c "^at '" "$work/walk-$name.sh")
  [ "$walked" -gt 0 ] || fail "$page: there is nothing to walk"
  checks=$((checks + walked))
  : >"$work/failed"
  SECONDS=0
  REPOSITORY=$repository bash "$work/walk-$name.sh" >"$work/said" 2>&1 </dev/null && { echo "$page: $walked in $SECONDS s"; return; }
  fail "$(cat "$work/at"): $(head -n 1 "$work/failed")"
  tail -n 12 "$work/said"
}

# Ends the trainings that were begun in the background: each must end with 0 when it is told to stop.
stop_trainings() {
  local pid run
  while read -r pid run; do
    checks=$((checks + 1))
    "$GRAPH_RUNNER" ctl "$run" stop >out 2>err || { [ ! -S "$run/control.sock" ] || fail "the training in $run does not stop"; }
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done <trainings
  : >trainings
}

# As finish of lib.sh: what was left out must have been met.
finish_pages() {
  stop_trainings
  while read -r command; do
    grep -qxF -- "$command" left-out-seen || fail "'$command' is left out, but on no page that is walked"
  done <left-out
  finish
}
