# Small data in the formats that the pages of the documentation name. Each function writes into the folder that it is given.
#   idx_data DIR          40 and 20 images of 28 x 28 with labels 0 to 9, as MNIST has them
#   cifar_data DIR        40 and 20 images of 32 x 32 x 3 with labels, as CIFAR-10's binary form has them
#   picture_data DIR      24 pictures of 64 x 64 as BMP, in two folders that are classes
#   recording_data DIR    recordings named DIGIT_SPEAKER_TAKE.wav: 8 kHz, 16 bits, 1,024 samples, two speakers

# bytes COUNT SEED: bytes of many values that depend on the seed.
bytes() { seq "$2" 20000 | tr '0-9' '\000\034\070\124\160\214\250\304\340\374' | tail -c +"$((1 + $2 % 97))" | head -c "$1"; }

# big_endian N...: each number in four bytes.
big_endian() {
  local n
  for n in "$@"; do
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((n >> 24 & 255)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255)))"
  done
}

# octets N...: each number in one byte.
octets() { printf "$(printf '\\%03o' "$@")"; }

idx_data() {
  local part count i
  mkdir -p "$1"
  for part in train:40 t10k:20; do
    count=${part#*:}
    { big_endian 2051 "$count" 28 28; for i in $(seq "$count"); do bytes 784 $((i * 7)); done; } >"$1/${part%:*}-images-idx3-ubyte"
    { big_endian 2049 "$count"; for i in $(seq "$count"); do octets $((i % 10)); done; } >"$1/${part%:*}-labels-idx1-ubyte"
  done
}

cifar_data() {
  local batch i
  mkdir -p "$1"
  for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    for i in $(seq 20); do octets $((i % 10)) && bytes 3072 $((i * 13 + ${#batch})); done >"$1/$batch.bin"
  done
}

picture_data() {
  local i
  mkdir -p "$1/cats" "$1/dogs"
  for i in $(seq 24); do
    { printf 'BM\66\60\0\0\0\0\0\0\66\0\0\0\50\0\0\0\100\0\0\0\100\0\0\0\1\0\30\0' && head -c 24 /dev/zero && bytes 12288 "$i"; } \
      >"$1/$([ $((i % 2)) = 0 ] && echo cats || echo dogs)/$i.bmp"
  done
}

recording_data() {
  local i speaker
  mkdir -p "$1"
  for i in $(seq 12); do
    speaker=$([ $((i % 2)) = 0 ] && echo anna || echo theo)
    { printf 'RIFF\44\10\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\0\10\0\0' && bytes 2048 "$i"; } \
      >"$1/$((i % 10))_${speaker}_$i.wav"
  done
}
