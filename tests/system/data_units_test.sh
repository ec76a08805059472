#!/usr/bin/env bash
# What encode and check say of values: in the units of the data, nothing where a value is missing, every bad item at once, every
# split that has files of its own.
. "$(dirname "$0")/lib.sh"

{
  echo "h,w,city"
  for i in $(seq 0 39); do
    h=$((1000 + 7 * i)) city=$([ $((i % 3)) -eq 0 ] && echo north || echo south)
    [ $((i % 5)) -eq 0 ] && h=""
    [ $((i % 7)) -eq 6 ] && city=""
    echo "$h,$i,$city"
  done
} >t.csv
cat >t.yaml <<'YAML'
version: 1
graph: t
nodes:
  x:    {type: input, shape: [2]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 2}
losses:
  l:  {type: gaussian_nll, in: {mean: mean, target: x}}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 8, steps: 3}
generate: {reconstruct: {show: mean}}
YAML
expect 0 train t.yaml --data table:t.csv,missing=mask,normalize=dataset --out run
expect 0 encode run --split all --port x --column h --column city --column w --out o.csv
awk -F, 'NR == FNR { if (FNR > 1) { h[FNR - 1] = $1; w[FNR - 1] = $2; city[FNR - 1] = $3 } next }
  FNR == 1 { next }
  { sub(/\r/, "", $0); n = $2
    if ($5 != h[n] && ($5 == "" || h[n] == "" || ($5 - h[n]) ^ 2 > 1e-4)) { print "row " n ": h " $5 " for " h[n]; bad = 1 }
    if ($6 != city[n]) { print "row " n ": city " $6 " for " city[n]; bad = 1 }
    if (($7 - w[n]) ^ 2 > 1e-6 || ($4 - w[n]) ^ 2 > 1e-6) { print "row " n ": w " $7 ", " $4 " for " w[n]; bad = 1 }
  }
  END { exit bad || FNR != 41 }' t.csv o.csv || fail "o.csv is not what the table holds"

# Ports that share the memory of an input are not restored with it, in either order.
sed 's/^losses:/  flat: {type: reshape, in: x, shape: [1, 1]}\nlosses:/; s/shape: \[2\]/shape: [1]/; s/units: 2/units: 1/' t.yaml >shared.yaml
expect 0 train shared.yaml --data table:t.csv,columns=w,exclude=h,normalize=dataset --steps 2 --out shared
expect 0 encode shared --split all --port flat --out flat.csv
expect 0 encode shared --split all --port x --port flat --port x --out both.csv
cut -d, -f3 flat.csv | tail -n +2 | tr -d '\r' >alone
cut -d, -f4 both.csv | tail -n +2 | tr -d '\r' >beside
same alone beside
awk -F, 'FNR > 1 { sub(/\r/, ""); if ($3 != $5 || ($3 - ($2 - 1)) ^ 2 > 1e-6) exit 1 }' both.csv || fail "x is restored twice"

# A latent vector has no unit, though it has as many values as x.
expect 0 encode run --split all --port q.mu --out mu.npy
expect 0 encode run --split all --out again.npy
same mu.npy again.npy

# Masks of other data count, though the graph has none: what fills a gap changes nothing.
cat >still.yaml <<'YAML'
version: 1
graph: still
nodes:
  x:    {type: input, shape: [2]}
  base: {type: constant, shape: [2], value: 3}
  mean: {type: linear, in: base, units: 2}
losses: {l: {type: squared_error, in: {x: mean, target: x}}}
train: {batch: 4, steps: 1}
YAML
head -12 t.csv | sed 's/^,/1,/; s/,$/,south/' >good.csv
expect 0 train still.yaml --data table:good.csv --out still
for fill in 0 1000000; do
  expect 0 eval still --split all --json --data table:t.csv,missing=mask,fill=$fill
  json /terms/l >>filled
done
[ "$(sort -u filled | wc -l)" -eq 1 ] || fail "gaps are compared: $(cat filled)"
expect 0 eval still --split all --json --data table:t.csv,missing=value,fill=1000000
[ "$(json /terms/l)" != "$(head -1 filled)" ] || fail "a filled value is not compared"

# check reads train and test where they have files of their own, and a wrong path is an error.
expect 0 check table:good.csv,test=good.csv
says out "split train" "split test"
expect 65 check table:good.csv,validation=nowhere.csv
says err "nowhere.csv"

# Every picture whose pixels are damaged, at once.
mkdir p
for i in $(seq 0 5); do expect 0 sample "$repository/graphs/vae.yaml" --count 1 --seed "$i" --out p/p-$i.png; done
for i in 1 4; do
  size=$(wc -c <p/p-$i.png)
  printf 'damage' | dd of=p/p-$i.png bs=1 seek=$((size / 2)) conv=notrunc status=none
done
expect 65 check images:p
says err "p-1.png" "p-4.png"
expect 0 check images:p,unreadable=skip
says out "images: 4 items"
# A reconstruction of several columns is a table like the data: a colour is told by h, so that each comes back.
awk 'BEGIN { print "h,colour"; for (i = 0; i < 300; i++) print i % 3 + i % 7 / 20 "," (i % 3 ? i % 3 > 1 ? "blue" : "green" : "red") }' >coloured.csv
cat >coloured.yaml <<'YAML'
version: 1
graph: coloured
data: {type: table, path: coloured.csv, normalize: dataset}
nodes:
  x:      {type: input, shape: [1]}
  colour: {type: input, shape: [], dtype: i32}
  told:   {type: embedding, in: colour, count: 3, dim: 4}
  both:   {type: concat, in: [x, told]}
  hidden: {type: linear, in: both, units: 16, activation: relu}
  q:      {type: gaussian_parameters, in: hidden, dim: 2}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  back:   {type: linear, in: z, units: 16, activation: relu}
  mean:   {type: linear, in: back, units: 1}
  logits: {type: linear, in: back, units: 3}
losses:
  number: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 0.1}
  class:  {type: categorical_nll, in: {logits: logits, target: colour}}
  kl:     {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 32, steps: 1500, optimizer: {type: adam, lr: 3.0e-3}}
YAML
expect 0 train coloured.yaml --out coloured
expect 0 encode coloured --port x --column colour --out items.csv
expect 0 reconstruct coloured --count 1000 --out back.csv
cut -d, -f3- items.csv | tr -d '\r' | tail -n +2 >items
tr -d '\r' <back.csv | tail -n +2 >back
[ "$(head -n 1 back.csv | tr -d '\r')" = h,colour ] || fail "the header of back.csv is $(head -n 1 back.csv)"
paste -d, items back | awk -F, '($1 - $3) ^ 2 > 0.25 || $2 != $4 { bad++ } END { print bad + 0, NR; exit !(NR > 20 && bad < NR / 20) }' ||
  fail "reconstructed columns are not those of the items"
checks=$((checks + 2))
expect 0 reconstruct coloured --count 4 --out back.npy
says err "of 2 columns only 'x' is in back.npy"
finish
