#!/usr/bin/env bash
# Nodes of tensors and of the batch as a user meets them: they train with the same bits for any number of threads and after a
# resume, on images and on volumes; a shape that is taken from a port does not make the node depend on it.
. "$(dirname "$0")/lib.sh"

cat >tensors.yaml <<'YAML'
version: 1
graph: tensors
data: {type: sprites, size: 16, count: 400}
nodes:
  x:      {type: input, shape: [16, 16, 1]}
  small:  {type: pixel_unshuffle, in: x, factor: 4}
  rows:   {type: reshape, in: small, shape: [16, 16]}
  order:  {type: permutation, shape: [16]}
  kept:   {type: slice, in: order, stop: 6}
  seen:   {type: gather, in: {x: rows, index: kept}}
  tokens: {type: parameter, shape: [3, 16]}
  scores: {type: matmul, in: {a: tokens, b: seen}, transpose_b: true}
  seen_by: {type: einsum, in: [scores, seen], equation: "nij,njk->nik"}
  e:      {type: linear, in: pooled, units: 24, activation: hardswish}
  pooled: {type: reduce, in: seen_by, function: logsumexp, axis: 1}
  q:      {type: gaussian_parameters, in: e, dim: 4}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  noise:  {type: normal, in: {like: z}}
  zs:     {type: sort_batch, in: z}
  ns:     {type: sort_batch, in: noise}
  others: {type: shuffle_batch, in: z, columns: true}
  cov:    {type: batch_covariance, in: q.mu}
  near:   {type: pairwise_distance, in: z, others: 3}
  gate:   {type: linear, in: z, units: 1, activation: sigmoid}
  gated:  {type: multiply, in: [z, gate]}
  d:      {type: linear, in: gated, units: 256}
  y:      {type: reshape, in: {x: d, like: x}}
losses:
  error:  {type: squared_error, in: {x: y, target: x}, role: likelihood}
  kl:     {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
  sliced: {type: squared_error, in: {x: zs, target: ns}, weight: 0.1}
  dip:    {expr: "sum(c^2)", in: {c: cov}, weight: 0.1}
  mixed:  {type: squared_error, in: {x: others, target: z}, weight: 0.01}
  apart:  {expr: "mean(exp(-y))", in: {y: near}}
train: {batch: 24, steps: 60, checkpoint_every: 30}
generate:
  sample: {draw: {z: {type: standard_normal}}, show: y}
YAML
expect 0 train tensors.yaml --out one --threads 1 --lanes 2 --shard 5
expect 0 train tensors.yaml --out two --threads 2 --lanes 2 --shard 5
same one/checkpoints/step-000060.safetensors two/checkpoints/step-000060.safetensors
expect 0 train tensors.yaml --out parts --threads 2 --lanes 2 --shard 5 --steps 30
expect 0 train --resume parts --steps 60
same one/checkpoints/step-000060.safetensors parts/checkpoints/step-000060.safetensors
expect 0 sample one --out samples.npy --count 4

# A video: convolutions down and up again.
cat >video.yaml <<'YAML'
version: 1
graph: video
data: {type: gaussian, features: 256}
nodes:
  v: {type: input, shape: [256]}
  x: {type: reshape, in: v, shape: [4, 8, 8, 1]}
  a: {type: conv, in: x, filters: 6, kernel: 3, stride: [1, 2, 2], padding: 1, activation: silu}
  b: {type: pool, in: a, kernel: [2, 1, 1], kind: average}
  c: {type: upsample, in: b, factor: [2, 1, 1]}
  y: {type: conv_transpose, in: c, filters: 1, kernel: [3, 4, 4], stride: [1, 2, 2], padding: 1}
losses: {error: {type: squared_error, in: {x: y, target: x}}}
train: {batch: 8, steps: 40, checkpoint_every: 40}
YAML
expect 0 train video.yaml --out video1 --threads 1 --lanes 2 --shard 3
expect 0 train video.yaml --out video2 --threads 2 --lanes 2 --shard 3
same video1/checkpoints/step-000040.safetensors video2/checkpoints/step-000040.safetensors

# A vector that is repeated along the positions, and has as many values: position by position as all at once.
cat >repeated.yaml <<'YAML'
version: 1
nodes:
  x:      {type: input, shape: [6, 1]}
  before: {type: shift, in: x, axis: 1, by: 1}
  h:      {type: conv, in: before, filters: 6, kernel: 3, padding: causal, activation: tanh}
  z:      {type: standard_normal, shape: [6]}
  m:      {type: multiply, in: [h, z]}
  gate:   {type: linear, in: m, units: 1, activation: sigmoid}
  gated:  {type: multiply, in: [m, gate]}
  logits: {type: linear, in: gated, units: 1}
  drawn:  {type: gaussian_likelihood_sampler, in: logits}
losses: {nll: {type: gaussian_nll, in: {mean: logits, target: x}}}
data: {type: gaussian, features: 6}
train: {steps: 0}
generate: {sample: {autoregressive: {input: x, from: drawn}, show: drawn}}
YAML
sed -i 's/  x:      {type: input, shape: \[6, 1\]}/  v:      {type: input, shape: [6]}\n  x:      {type: reshape, in: v, shape: [6, 1]}/' repeated.yaml
expect 0 train repeated.yaml --out repeated
expect 0 sample repeated --count 8 --out steps.npy
expect 0 sample repeated --count 8 --out whole.npy --whole
same steps.npy whole.npy

# What does not fit is said before anything is trained.
expect 65 validate tensors.yaml --set nodes.scores.transpose_b=false
says err E207 'the summed extents are 16 and 6'
expect 65 validate tensors.yaml --set nodes.kept.stop=17
says err E207 '`stop` is beyond the axis'
expect 65 validate tensors.yaml --set nodes.noise.shape='[4]'
says err E207 'the shape is given twice'
expect 65 validate video.yaml --set 'nodes.a.kernel=[3, 3]'
says err E207 "the option 'kernel' does not fit" 'a list of 3'
finish
