#!/usr/bin/env bash
# The commands of docs/data.md, as they stand there, on small data that are made here. A training is cut to a few steps.
. "$(dirname "$0")/lib.sh"
ln -s "$repository/graphs" graphs

# Pictures of 64 x 64 as BMP, of two classes: the header of 54 bytes, then pixels of blue, green and red.
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  mkdir -p photos/cats photos/dogs
  { printf 'BM\66\60\0\0\0\0\0\0\66\0\0\0\50\0\0\0\100\0\0\0\100\0\0\0\1\0\30\0'; head -c 24 /dev/zero
    seq "$i" 20000 | head -c 12288; } >photos/$([ $((i % 2)) = 0 ] && echo cats || echo dogs)/$i.bmp
done
tar cf photos.tar photos
# Recordings of two speakers: 8 kHz, 16 bits, 1,024 samples.
mkdir speech
for name in 0_anna_0 1_anna_1 0_theo_0 1_theo_1 2_theo_2 3_anna_0 4_theo_4 5_anna_5; do
  { printf 'RIFF\44\10\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\0\10\0\0'; seq 1 2000 | head -c 2048; } >speech/$name.wav
done
# A table with numbers, classes and names that all differ.
seq 1 200 | awk 'BEGIN { print "name,age,height [cm],weight,colour" }
  { printf "\"person, %d\",%d,%.1f,%.1f,%s\n", $1, $1 * 37 % 80, 150 + $1 % 50, 50 + $1 * 7 % 40, $1 % 3 == 0 ? "red" : $1 % 3 == 1 ? "green" : "blue" }' >people.csv
# Texts of twelve different characters: ten digits, a blank and an end of line.
mkdir poems
for i in 1 2 3; do seq -s ' ' "$i" 300 >poems/$i.txt; done
# An array of 8 features.
expect 0 train graphs/ppca.yaml --steps 1 --out base
expect 0 sample base --count 200 --out points.npy

# graph-runner as the page calls it, with few steps and few items.
mkdir bin
cat >bin/graph-runner <<END
#!/usr/bin/env bash
extra=()
[ "\$1" = train ] && extra=(--steps 3 --batch 4 --set train.eval_limit=8 --set train.eval_every=3)
exec "$GRAPH_RUNNER" "\$@" "\${extra[@]}"
END
chmod +x bin/graph-runner
PATH=$PWD/bin:$PATH

# Each block is a script of its own: its first command that fails ends it.
awk '/^```sh$/ { inside = 1; ++block; next } /^```$/ { inside = 0 } inside { print > sprintf("block-%02d.sh", block) }' \
  "$repository/docs/data.md"
blocks=0
for block in block-*.sh; do
  checks=$((checks + 1))
  blocks=$((blocks + 1))
  bash -eu "$block" >out 2>err || { fail "docs/data.md, $block:"; cat "$block" && tail -n 5 out err; }
done
[ "$blocks" -ge 6 ] || fail "docs/data.md has $blocks blocks of commands"

# What the page says of the outputs.
is_png photos.png
exists speech.npy
exists poems.npy
expect 0 train graphs/table-vae.yaml --data table:people.csv --set vars.features=3 --steps 1 --out told
cat out err >both
says both "age, height [cm], weight: numbers; name: 200 different texts, left out; colour: 3 classes (blue, green, red)"
expect 0 encode runs/archive --data images:photos,size=64,channels=1 --split test --out folder.npy
expect 0 encode runs/archive --split test --out archive.npy
same folder.npy archive.npy
finish
