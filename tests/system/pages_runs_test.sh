#!/usr/bin/env bash
# docs/runs.md: stopped, resumed, changed on resume, begun with other weights, watched, compared.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/pages_lib.sh"
picture_data more
# Weights from elsewhere: a safetensors file that calls a layer features.0, and a graph that calls it conv1.
tiny_graph small.yaml
sed -i 's/encoder/conv1/' small.yaml
header='{"features.0.weight":{"dtype":"F32","shape":[16,256],"data_offsets":[0,16384]},"features.0.bias":{"dtype":"F32","shape":[16],"data_offsets":[16384,16448]}}'
{ octets $((${#header} % 256)) $((${#header} / 256)) 0 0 0 0 0 0 && printf %s "$header" && head -c 16448 /dev/zero; } >weights.safetensors

walk docs/runs.md --without 'Watch'
exists comparison.html
IN_BACKGROUND=true walk docs/runs.md --only 'Watch'
finish_pages
