#!/usr/bin/env bash
# README.md and docs/quickstart.md, as a reader types them; the quickstart's plugin is in pages_plugin_test.sh.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
idx_data mnist
picture_data pictures
leave_out scripts/test.sh # it runs this test
walk README.md
is_png samples.png reconstructions.png
stop_trainings
rm -rf runs ./*.png
walk docs/quickstart.md --without 'A node of your own'
is_png samples.png reconstructions.png traversal.png interpolation.png
exists samples.npy codes.npy decoded.npy gradients.safetensors
finish_pages
