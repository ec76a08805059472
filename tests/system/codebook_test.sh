#!/usr/bin/env bash
# The use of a codebook as a user sees it: figures of eval, curves and pictures of the report, the advice.
. "$(dirname "$0")/lib.sh"
cat >codes.yaml <<'YAML'
version: 1
graph: codes
data: {type: sprites, size: 16, count: 600}
nodes:
  x:      {type: input, shape: [16, 16, 1]}
  conv:   {type: conv, in: x, filters: 8, kernel: 4, stride: 4}
  q:      {type: vector_quantizer, in: conv, codes: 64}
  logits: {type: conv_transpose, in: q.quantized, filters: 1, kernel: 4, stride: 4}
  image:  {type: activation, in: logits, function: sigmoid}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: x}}
  codes:          {of: q.loss}
train: {batch: 20, steps: 300, eval_every: 300, optimizer: {type: adam, lr: 1.0e-2}}
generate:
  reconstruct: {show: image}
YAML
expect 0 train codes.yaml --out plain
says plain/report.html "q: usage of the codes" "q: age of the dead codes, batches" "that is few. Not tried yet: init: kmeans" \
  "perplexity" "used codes" "age of the oldest unused code, batches"
expect 0 eval plain
says out "used codes" "of 64" "unigram entropy" "normalised error"
expect 0 eval plain --json
has_json /perplexity /used_codes /codes /unigram_entropy /unigram_entropy_bits /normalised_error /quantizers/q/perplexity
[ "$(json /codes)" = 64 ] || fail "$(json /codes) codes"
holds "(d = $(json /perplexity) - exp($(json /unigram_entropy))) < 1e-9 && d > -1e-9"
holds "$(json /normalised_error) > 0 && $(json /normalised_error) < 2 && $(json /used_codes) >= $(json /perplexity)"
before=$(json /used_codes)
for key in $(grep -oE '"[a-z_]+":' out | tr -d '":' | sed 's/_standard_error$//' | sort -u); do
  case " graph weights step data split binarize data_hash samples reconstruction q finding " in *" $key "*) continue ;; esac
  grep -qF "\`$key\`" "$repository/docs/measurements.md" || fail "docs/measurements.md does not explain $key"
  checks=$((checks + 1))
done

expect 0 train codes.yaml --set nodes.q.init=kmeans --set nodes.q.restart_after=5 --out cured
expect 0 eval cured --json
holds "$(json /used_codes) > 2 * $before"
expect 0 eval cured --json --threads 1 --batch 7 # the codes do not depend on the cut
holds "$(json /quantizers/q/used_codes) == $(json /used_codes)"

# Two quantizers stand apart.
cat >two.yaml <<'YAML'
extends: codes.yaml
nodes:
  more:   {type: vector_quantizer, in: conv, codes: 16}
  sum:    {type: add, in: [q.quantized, more.quantized]}
  logits: {in: sum}
YAML
expect 0 train two.yaml --steps 10 --out two
expect 0 eval two --json
has_json /quantizers/q/used_codes /quantizers/more/used_codes
[ -z "$(json /perplexity 2>/dev/null)" ] || fail "two quantizers have one perplexity"
says two/report.html "more: perplexity" "q: used codes"
finish
