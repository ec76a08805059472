// The headers of many sound files, read by several threads.
//
// Thread safety: free functions without state.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive_file.h"
#include "sound_file.h"

namespace loom {

struct SoundHeaders {
  std::vector<std::optional<SoundHeader>> files;  // one a path; none: the file cannot be read
  std::string skipped;  // "2 of 9 recordings cannot be read and were skipped: a.wav, b.wav", or ""
};

// Without `skip` the files that cannot be read are one Error with a diagnostic for each of the first 20, and the number
// of the others. With it they are skipped, unless none can be read.
SoundHeaders read_sound_headers(const std::vector<std::string>& paths, bool skip,
                                const std::shared_ptr<const Archive>& archive = nullptr);

}  // namespace loom
