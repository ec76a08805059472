// One sound file: its header, and runs of its samples. Samples of 8 to 32 bits become value / 2^(bits - 1); those of
// float and double files are what the file has; the others are what their codec decodes.
//
// Thread safety: free functions without state; a file is opened at every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace loom {

struct SoundHeader {
  std::int64_t frames = 0;  // one sample of every channel each
  std::int64_t channels = 0;
  std::int64_t rate = 0;  // Hz
};

// Both functions read the file itself, unless its bytes are given: then `path` is its name in messages.
//
// Throws data_not_found, data_empty (a file of no bytes), data_truncated, data_corrupt (a known format with a header
// that is wrong), data_wrong_format or read_failed.
SoundHeader read_sound_header(const std::string& path, std::span<const std::byte> bytes = {});

// `count` frames from `first` on, channels interleaved. Throws data_corrupt or data_truncated if the file does not have
// them, and data_corrupt if a sample is not finite or the file is not the one with this header any more. An MP3 file is
// decoded from its start.
std::vector<float> read_frames(const std::string& path, const SoundHeader& header, std::int64_t first,
                               std::int64_t count, std::span<const std::byte> bytes = {});

}  // namespace loom
