#!/usr/bin/env bash
# docs/results.md and docs/measurements.md: every command line runs, on small data. Of the long trainings of results.md only
# the first steps are run, in narrow models; what they measured is not checked here.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
idx_data mnist
cifar_data cifar10
picture_data flowers
recording_data recordings
mkdir -p tests/bench && cp "$repository/tests/bench/sharpness.py" tests/bench/
python3 -c 'import numpy' 2>err || printf '#!/usr/bin/env bash\n' >tests/bench/sharpness.py # it needs NumPy
walk docs/measurements.md
SMALLER='vars.channels=8 vars.pixel_channels=4 vars.decoder_channels=8' walk docs/results.md --without Sharpness
walk docs/results.md --only Sharpness
finish_pages
