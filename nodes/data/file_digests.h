// Digests of whole files, for the content hash of a data set: XXH3 (64 bits) of all bytes.
//
// A file is read once: its digest is kept, with its size and the time of its last change, in the user's cache folder
// ($XDG_CACHE_HOME/latentloom/digests, or ~/.cache/latentloom/digests; one file for each data set of more than 16 MiB). A
// file that was changed within the last two seconds is not kept, since a change in the same instant could not be seen.
// Where that folder cannot be written, every file is read each time. What was not used for 90 days is removed.
//
// Thread safety: a free function; processes that write the same cache file replace it atomically.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

// One digest for each file, in their order; the files are read by several threads. `root` names the data set in the cache.
// Throws read_failed for a file that cannot be read to its end.
std::vector<std::uint64_t> file_digests(const std::string& root, const std::vector<std::string>& files);

}  // namespace loom
