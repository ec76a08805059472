# The small form of every graph of graphs/ and plugins/, and the data of those that have no default. A script sources it
# in the folder where the data and the runs lie, and defines  base NAME OPTION...  which trains graphs/NAME.yaml into
# base/NAME. It is a file of its own because same_bits.sh runs the one of another revision, with that revision's options.

# small_data: images and labels of 28x28 and 32x32x3 from the digits of a sequence of numbers: no picture of anything, but
# no file from outside either, and the same bytes everywhere.
count=60
labels() { for _ in 1 2 3 4 5 6; do printf '\0\1\2\3\4\5\6\7\10\11'; done; }
pixels() { seq 1 100000 | head -c "$1"; }
small_data() {
  local split name i
  mkdir idx cifar sounds
  for split in train t10k; do
    { printf '\0\0\10\3\0\0\0\74\0\0\0\34\0\0\0\34'; pixels $((count * 784)); } >idx/$split-images-idx3-ubyte
    { printf '\0\0\10\1\0\0\0\74'; labels; } >idx/$split-labels-idx1-ubyte
  done
  for ((i = 0; i < count; ++i)); do printf '\3'; pixels 3072; done >cifar/batch.bin
  # Recordings of two speakers: 8 kHz, 16 bits, 1,024 samples each.
  for name in 0_anna_0 1_anna_1 0_theo_0 1_theo_1 2_theo_2 3_anna_0 4_theo_4 5_anna_5; do
    { printf 'RIFF\44\10\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\0\10\0\0'; pixels 2048; } >sounds/$name.wav
  done
  # A table: a line in three columns.
  seq 1 200 | awk 'BEGIN { print "a,b,c" } { t = $1 * 37 % 200; printf "%d,%d,%d\n", 2 * t + $1 % 7, 500 - t, 9 * t + $1 % 11 }' >table.csv
}
audio='audio:sounds,length=512,holdout=4,names={digit}_{speaker}_{take}'

codes=(--set vars.channels=8 --set vars.hidden=4 --set vars.units=1 --set vars.codes=16 --set vars.dim=4)
sound=(--set vars.length=512 --set vars.channels=4 --set vars.codes=16 --set vars.dim=4 --set vars.decoder_channels=4
  --set vars.skip=4 --set vars.stacks=1 --set vars.depth=3 --set vars.speakers=2)
tiny=(--set vars.codes=16 --set vars.channels=8)

# small_bases: the runs that priors stand on.
small_bases() {
  mkdir base
  base vq-vae --data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}"
  base vq-vae-2 --data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}"
  base vq-vae-audio --data "$audio" "${sound[@]}"
  base vq-vae-2-top-prior --data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2" "${tiny[@]}" --set vars.layers=1 \
    --set vars.attentions=1 --set vars.heads=2
}

# small NAME: puts what makes the graph small into the array `form`, and those of it that change the graph into `sets`.
small() {
  local narrow='{filters: 4, hidden: 16}' i
  case $1 in
    vae | beta-vae | beta-vae-capacity | beta-tcvae | hyperspherical-vae | squeeze-excitation-vae | categorical-vae)
      form=(--set "data.count=120" --set "nodes.encoder.vars=$narrow" --set "nodes.decoder.vars=$narrow") ;;
    vae-mnist | wae-mmd | conditional-vae) form=(--data idx:idx --set vars.hidden=16) ;;
    iwae) form=(--data idx:idx --set vars.hidden=16 --set vars.samples=3) ;;
    swiss-roll-vae) form=(--set data.count=200 --set vars.hidden=16) ;;
    ppca | robust-ppca) form=(--set data.count=200) ;;
    delta-vae | delta-vae-standard-prior)
      form=(--data idx:idx --set vars.channels=4 --set vars.layers=2 --set vars.pixel_channels=2) ;;
    vae-gan | vae-gan-without-game)
      form=(--data cifar:cifar/batch.bin --set vars.size=32 --set vars.filters=2 --set vars.features=2
        --set vars.hidden=8 --set vars.discriminator_hidden=8 --set vars.latent=4) ;;
    vq-vae | vq-vae-loss | vq-vae-2) form=(--data cifar:cifar/batch.bin --set vars.size=32 "${codes[@]}") ;;
    vq-vae-audio) form=(--data "$audio" "${sound[@]}") ;;
    pixelcnn) form=(--data idx:idx --set vars.channels=4 --set vars.layers=2) ;;
    pixelcnn-prior) form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae" "${tiny[@]}" --set vars.layers=2) ;;
    wavenet-prior)
      form=(--data "$audio" --set vars.run="$PWD/base/vq-vae-audio" "${tiny[@]}" --set vars.skip=4 --set vars.layers=3) ;;
    vq-vae-2-top-prior)
      form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2" "${tiny[@]}" --set vars.layers=1
        --set vars.attentions=1 --set vars.heads=2) ;;
    vq-vae-2-bottom-prior)
      form=(--data cifar:cifar/batch.bin --set vars.run="$PWD/base/vq-vae-2-top-prior" "${tiny[@]}" --set vars.layers=2
        --set vars.units=1 --set vars.hidden=4) ;;
    finite-scalar-vae)
      form=(--set data.count=120 --set vars.size=32 --set vars.channels=8 --set vars.hidden=4) ;;
    table-vae) form=(--data table:table.csv,normalize=dataset --set vars.features=3 --set vars.hidden=16) ;;
    *) form=() ;;
  esac
  sets=()
  for ((i = 0; i < ${#form[@]}; ++i)); do [ "${form[i]}" = --set ] && sets+=(--set "${form[i + 1]}"); done
  return 0
}
