#!/usr/bin/env bash
# docs/data.md: its commands, as they stand there, on small data that are made here, and what it says of the outputs.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
picture_data photos
tar cf photos.tar photos
recording_data speech
# A table with numbers, classes and names that all differ.
seq 1 200 | awk 'BEGIN { print "name,age,height [cm],weight,colour" }
  { printf "\"person, %d\",%d,%.1f,%.1f,%s\n", $1, $1 * 37 % 80, 150 + $1 % 50, 50 + $1 * 7 % 40, $1 % 3 == 0 ? "red" : $1 % 3 == 1 ? "green" : "blue" }' >people.csv
# Texts of twelve different characters: ten digits, a blank and an end of line.
mkdir poems
for i in 1 2 3; do seq -s ' ' "$i" 300 >poems/$i.txt; done
# An array of 8 features.
expect 0 train graphs/ppca.yaml --steps 1 --out base
expect 0 sample base --count 200 --out points.npy

SMALLER='vars.channels=16 vars.decoder_channels=16' walk docs/data.md

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
finish_pages
