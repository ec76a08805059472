#!/usr/bin/env bash
# docs/models/: what is typed there runs, and the documents say what graphs/ has. A page may use the runs of an earlier one.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
idx_data mnist
cifar_data cifar10
cifar_data cifar-10-batches-bin
picture_data photos
recording_data recordings
ln -s ../runs graphs/runs # where the graphs of priors look for the run that they stand on
walk docs/models/vae.md
walk docs/models/ppca.md
walk docs/models/beta-vae.md
walk docs/models/conditional-vae.md
SMALLER='vars.channels=8 vars.layers=2 vars.pixel_channels=4' walk docs/models/delta-vae.md
walk docs/models/iwae.md
walk docs/models/wae-mmd.md
walk docs/models/categorical-vae.md
walk docs/models/hyperspherical-vae.md
walk docs/models/squeeze-excitation-vae.md
walk docs/models/finite-scalar-vae.md
SMALLER='vars.filters=8 vars.hidden=64 vars.features=8 vars.discriminator_hidden=64' walk docs/models/vae-gan.md
SMALLER='vars.channels=16' walk docs/models/vq-vae.md
SMALLER='vars.channels=16' walk docs/models/pixelcnn.md
SMALLER='vars.channels=8 vars.size=64' walk docs/models/vq-vae-2.md
SMALLER='vars.channels=16 vars.decoder_channels=16' walk docs/models/vq-vae-audio.md
walk docs/plugins.md
finish_pages
