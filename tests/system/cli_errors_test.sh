#!/usr/bin/env bash
# Wrong use of graph-runner: exit codes 1 (failed), 2 (wrong use) and 65 (bad document or data), messages that name the
# culprit and the nearest right name, and nothing left behind.
. "$(dirname "$0")/lib.sh"
tiny_graph tiny.yaml
expect 0 train tiny.yaml --steps 20 --out run
expect 0 sample run --count 4 --out x.npy

# error CODE NUMBER TEXT ARGUMENT...: the exit code, the error's number and a text of the message, as text and as JSON.
error() {
  local code=$1 number=$2 text=$3
  shift 3
  case " train eval run list inspect validate check bench version " in
    *" $1 "*)
      expect "$code" "$@" --json
      [ "$(json /errors/0/code)" = "$number" ] || fail "$*: --json does not name $number"
      ;;
  esac
  expect "$code" "$@" && says err "error $number" "$text"
}

# The command line.
expect 2
says out "Usage: graph-runner"
error 2 E701 "did you mean 'train'?" trian
error 2 E701 "did you mean '--steps'?" train tiny.yaml --stepz 3 --out q
error 2 E701 "neither a graph nor --resume" train --out q
error 2 E701 "--steps: -1 is less than 0" train tiny.yaml --steps -1 --out q
error 2 E701 "--batch: 0 is less than 1" train tiny.yaml --batch 0 --out q
error 2 E701 "--steps takes a number, written plainly as in 1000, not '1e3'" train tiny.yaml --steps 1e3 --out q
error 2 E701 "--steps is given more than once" train tiny.yaml --steps 1 --steps 2 --out q
error 2 E701 "--resume continues the run where it is: --out starts another" train --resume run --out other
error 2 E701 "--resume continues the run where it is: --init starts another" train --resume run --init run
error 2 E701 "--newest and --rename are of the weights that --init names" train tiny.yaml --newest --out q
error 2 E701 "--accept-data is of a run that --resume names" train tiny.yaml --accept-data --out q
error 2 E701 "takes NAME=VALUE" train tiny.yaml --init run --rename q --out q
error 1 E807 "the seed of a run cannot change" train --resume run --seed 3
error 2 E701 "the run has already done 20" train --resume run --steps 10
error 2 E701 "a .png, .npy, .csv or .wav file, not 'a.jpg'" sample run --out a.jpg
error 2 E701 "--count: 0 is less than 1" sample run --count 0 --out a.png
error 2 E701 "generate.foo" sample run --name foo --out a.png
error 2 E701 "nothing is requested" run run --feed x=x.npy
error 2 E701 "takes NAME=VALUE" run run --fetch q.mu
error 2 E701 "-0.5 is not at least 0" sample run --out a.npy --temperature -0.5
error 2 E701 "--top-p: 0 is not above 0 and at most 1" sample run --out a.npy --top-p 0
error 2 E701 "--top-p: 1.5 is not above 0 and at most 1" sample run --out a.npy --top-p 1.5
error 1 E603 "'linear' is the name of a standard node" new-plugin linear --kind layer
error 1 E603 "'sprites' is the name of a standard data set" new-plugin sprites --kind dataset
error 2 E701 "conv has no input 'y'" check conv --set filters=4 --set kernel=3 --input y=3
error 2 E701 "did you mean '--json'?" version --jsn

# Documents.
error 65 E109 "nofile.yaml" train nofile.yaml --out q
error 65 E109 "did you mean 'tiny.yaml'?" eval tinny.yaml
error 65 E103 "did you mean 'batch'?" train tiny.yaml --set train.btach=3 --out q
error 65 E105 "an integer >= 1" train tiny.yaml --set vars.latent=x --out q
error 65 E116 "path=value" train tiny.yaml --set vars.latent --out q
error 65 E201 "did you mean 'conv'?" inspect convv
error 65 E201 "did you mean 'conv'?" check convv
error 65 E204 "'units' is missing" validate tiny.yaml --set nodes.encoder.units=null
error 65 E202 "did you mean 'filters'?" check conv --set filtres=4
error 65 E106 "an integer >= 1" check conv --set filters=0
error 65 E117 "lower-case letters" new-plugin Huber
sed 's/type: linear, in: z,/type: liner, in: zz,/' tiny.yaml >wrong.yaml
error 65 E201 "did you mean 'linear'?" validate wrong.yaml
says err "wrong.yaml:12:"

# Data.
error 65 E407 "did you mean 'sprites'?" train tiny.yaml --data sprit --out q
error 65 E401 "/nope" train tiny.yaml --data idx:/nope --out q
error 65 E202 "there is no option 'splt'" train tiny.yaml --data idx:/nope,splt=train --out q
error 65 E406 "does not fit the graph's input" train tiny.yaml --data sprites:size=32 --out q
error 65 E118 "did you mean 'test'?" eval run --split tset
error 65 E401 "there is no such file" run run --feed x=nope.npy --fetch q.mu=m.npy
error 65 E405 "this is not a .npy array" run run --feed x=tiny.yaml --fetch q.mu=m.npy
head -c 200 x.npy >short.npy
error 65 E402 "short.npy" run run --feed x=short.npy --fetch q.mu=m.npy

# A damaged run.json: the field, what stands there, and its range.
damaged() {  # damaged FIELD VALUE: run with another value in run.json
  rm -rf broken && cp -r run broken && sed -i -E "s/\"$1\": [0-9]+/\"$1\": $2/" broken/run.json
}
for field in batch shard lanes; do
  damaged "$field" 9223372036854775807
  error 1 E503 "the field '$field' is wrong" eval broken
  damaged "$field" 0
  error 1 E503 "the field '$field' is wrong" sample broken --out a.npy
done
damaged steps -1 && error 1 E503 "got:      -1" eval broken
damaged seed '"one"' && error 1 E503 "the field 'seed' is wrong" eval broken
damaged batch "$(printf '[%.0s' $(seq 100000))" && error 1 E503 "at most 64 levels" eval broken
error 65 E106 "out of range" train tiny.yaml --set train.batch=9223372036854775807 --out q
error 65 E106 "1 to 16777216" train tiny.yaml --batch 9223372036854775807 --out q
expect 0 train tiny.yaml --set 'data={type: sprites, size: 16}' --steps 1 --out by-set

# Feeds, fetches, runs, weights.
expect 0 run run --feed x=x.npy --fetch q.mu=mu.npy
error 1 E302 "there is no such port" run run --feed y=x.npy --fetch q.mu=m.npy
error 1 E302 "did you mean 'z.noise'?" run run --feed x=x.npy --feed z.nois=mu.npy --fetch q.mu=m.npy
error 1 E302 "the values have the wrong shape" run run --feed x=mu.npy --fetch q.mu=m.npy
error 1 E302 "the input 'x' is required here" run run --fetch q.mu=m.npy
error 1 E303 "did you mean 'mu'?" run run --feed x=x.npy --fetch q.muu=m.npy
error 1 E501 "is already a run" train tiny.yaml --out run
error 1 E501 "something other than a run" train tiny.yaml --out tiny.yaml
error 1 E502 "nope is not a run" train --resume nope
error 1 E506 "nope.safetensors" eval run --weights nope.safetensors
error 1 E503 "tiny.yaml" eval run --weights tiny.yaml
[ -e q ] && fail "a refused training left its folder behind"
finish
