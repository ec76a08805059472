#!/usr/bin/env bash
# Memory grows with threads, shard and lanes, not with the batch: with as many lanes the peak at batch 1,024 is at most 1.3
# times that at 64. What more lanes take are sums of the parameters' size, at most 256 MiB.
. "$(dirname "$0")/lib.sh"
expect 0 bench "$repository/graphs/vae.yaml" --batch 64 --steps 2 --threads 2 --lanes 4 --json
has_json /peak_rss_mb /lanes /shard
small=$(json /peak_rss_mb)
expect 0 bench "$repository/graphs/vae.yaml" --batch 1024 --steps 2 --threads 2 --lanes 4 --json
has_json /peak_rss_mb
large=$(json /peak_rss_mb)
echo "peak at batch 64: $small MiB, at batch 1,024: $large MiB"
holds "$large <= 1.3 * $small"
expect 0 bench "$repository/graphs/vae.yaml" --batch 1024 --steps 2 --threads 2 --json
holds "$(json /peak_rss_mb) <= $large + 256"
finish
