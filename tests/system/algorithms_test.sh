#!/usr/bin/env bash
# --algorithms: transformed convolutions in training alone, the same bits for any number of threads and through a resume, a
# record in the run, and a refusal where the table of the choice is another one.
. "$(dirname "$0")/lib.sh"

cat >wide.yaml <<'YAML'
version: 1
graph: wide
doc: An autoencoder with layers that are worth transforming.
data: {type: sprites, size: 32, count: 200}
nodes:
  x:      {type: input, shape: [32, 32, 1]}
  first:  {type: conv, in: x, filters: 64, kernel: 4, stride: 2, padding: 1, activation: relu}
  middle: {type: conv, in: first, filters: 64, kernel: 3, padding: 1, activation: relu}
  down:   {type: conv, in: middle, filters: 64, kernel: 4, stride: 2, padding: 1, activation: relu}
  up:     {type: conv_transpose, in: down, filters: 64, kernel: 4, stride: 2, padding: 1, activation: relu}
  logits: {type: conv_transpose, in: up, filters: 1, kernel: 4, stride: 2, padding: 1}
losses:
  likelihood: {type: bernoulli_nll, in: {logits: logits, target: x}}
train: {batch: 8, steps: 30, optimizer: {type: adam, lr: 1.0e-3}, eval_every: 10, checkpoint_every: 10}
YAML
last=checkpoints/step-000030.safetensors
options=(train wide.yaml --lanes 2 --shard 4)

expect 0 "${options[@]}" --threads 1 --out transformed
expect 0 "${options[@]}" --threads 2 --out threads --algorithms transformed
expect 0 "${options[@]}" --threads 2 --out direct --algorithms direct
same transformed/$last threads/$last
differ transformed/$last direct/$last
says transformed/run.json '"algorithms": "transformed '
says direct/run.json '"algorithms": "direct"'

# Both come to the same loss, but for rounding.
loss() { expect 0 eval "$1" --newest --json && json /terms/likelihood; }
a=$(loss transformed)
b=$(loss direct)
holds "($a - $b) < 1e-2 * $b && ($b - $a) < 1e-2 * $b"

# An interrupted run keeps what it has recorded.
expect 0 "${options[@]}" --steps 20 --out resumed
expect 0 train --resume resumed --steps 30
same transformed/$last resumed/$last
expect 0 "${options[@]}" --steps 20 --out resumed-direct --algorithms direct
expect 0 train --resume resumed-direct --steps 30
same direct/$last resumed-direct/$last

# A run of before has no record: it was trained with direct ones.
expect 0 "${options[@]}" --steps 20 --out old --algorithms direct
sed -i '/"algorithms"/d' old/run.json
expect 0 train --resume old --steps 30
same direct/$last old/$last

# A change is one of the history.
expect 0 "${options[@]}" --steps 20 --out changed
expect 0 train --resume changed --steps 30 --algorithms direct
says err 'algorithms is direct instead of transformed'
says changed/run.json '"algorithms": "direct"'
differ transformed/$last changed/$last

# Another table gives other bits.
expect 0 "${options[@]}" --steps 20 --out other
sed -i 's/"transformed [0-9a-f]*"/"transformed 00000000"/' other/run.json
expect 1 train --resume other --steps 30
says err 'E504' 'different algorithms' 'transformed 00000000'
expect 0 train --resume other --steps 30 --algorithms transformed
differ /dev/null other/$last

expect 2 "${options[@]}" --out x --algorithms winograd
says err "'winograd' is not transformed or direct"
sed -i 's/"transformed [0-9a-f]*"/"quick"/' transformed/run.json
expect 65 train --resume transformed --steps 40
says err 'quick'

expect 0 bench wide.yaml --steps 3 --algorithms direct --json
says out '"algorithms": "direct"'
expect 0 bench wide.yaml --steps 3
says out 'transformed algorithms'
finish
