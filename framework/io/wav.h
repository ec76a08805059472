// Sounds as WAV files: values [N, T, channels] or [N, T] in [-1, 1], one sample after the other, 16 bits.
//
// Thread safety: functions of their arguments. Errors: data_shape for other values, write_failed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/tensor.h"

namespace loom {

// 1 for [N, T] and [N, T, 1], up to 8 for [N, T, channels], 0 for shapes that are no sounds.
std::int64_t sound_channels(const Shape& shape);

struct WrittenSounds {
  std::vector<std::string> files;
  std::int64_t cut = 0;  // values that were beyond [-1, 1], NaN too
};
// One file with the items one after the other; with `separate`, F-0.wav, F-1.wav, ... `rate` in Hz. Values beyond
// [-1, 1] are cut.
WrittenSounds write_wav(const std::string& path, const TensorView& values, std::int64_t rate, bool separate = false);

}  // namespace loom
