// Sounds as WAV files: values [N, T, 1] or [N, T] in [-1, 1], one sample after the other, 16 bits.
//
// Thread safety: functions of their arguments. Errors: data_shape for other values, write_failed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/tensor.h"
#include "runner/model.h"

namespace loom::runner {

bool is_sound(const std::string& path);    // a .wav
bool has_sound_shape(const Shape& shape);  // [N, T, 1] or [N, T]
// Of the data set, in Hz; 0 where its items are no sounds. `data` stands in place of the model's own.
std::int64_t data_rate(const Model& model, const std::string& data);
// `given`, else the rate of the data set, else 8000 Hz.
std::int64_t sound_rate(const Model& model, const std::string& data, std::int64_t given);

// One file with the items one after the other; with `separate`, F-0.wav, F-1.wav, ... Returns what was written. Values
// beyond [-1, 1] are cut, with a warning.
std::vector<std::string> write_wav(const std::string& path, const TensorView& values, std::int64_t rate,
                                   bool separate = false);

}  // namespace loom::runner
