// Whether the samples that the header of a sound file announces are in the file.
//
// Thread safety: a free function without state.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace loom {

// libsndfile reads what is there of a truncated WAV, RF64, W64, AIFF, AU, CAF, Ogg or MP3 file, without an error. Throws
// data_truncated if the samples reach beyond the end of the file. Lengths of 0 and of all ones are allowed: programs
// write them when they do not know the length in advance.
void require_all_samples(const std::string& path, std::span<const std::byte> bytes);

}  // namespace loom
