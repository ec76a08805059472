#!/usr/bin/env bash
# Memory grows with threads, lanes and shard, not with the batch: the peak at batch 1,024 is at most 1.3 times that at 64.
. "$(dirname "$0")/lib.sh"
expect 0 bench "$repository/graphs/vae.yaml" --batch 64 --steps 2 --threads 2 --json
has_json /peak_rss_mb /lanes /shard
small=$(json /peak_rss_mb)
expect 0 bench "$repository/graphs/vae.yaml" --batch 1024 --steps 2 --threads 2 --json
has_json /peak_rss_mb
large=$(json /peak_rss_mb)
echo "peak at batch 64: $small MiB, at batch 1,024: $large MiB"
holds "$large <= 1.3 * $small"
finish
