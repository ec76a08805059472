// The file that --out of a verb names: a .png picture, a .npy array, a .csv table or, of some verbs, a .wav sound.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "generate/model_source.h"
#include "loom/tensor.h"

namespace loom::runner {

// Before any work is done: throws Error(usage) for any other ending.
void check_out(const char* verb, const std::string& path, bool sounds = false, const char* option = "--out");
bool is_array(const std::string& path);  // a .npy
bool is_table(const std::string& path);  // a .csv
bool is_sound(const std::string& path);  // a .wav
// Throws Error(data_shape) without a picture, since values of `shape` are not images; write_failed.
void write_picture(const std::string& path, const std::optional<std::string>& png, const Shape& shape);

// How a verb writes sounds: `rate` in Hz, 0: that of the data set (`data`, else the model's own), else 8000.
struct SoundOut {
  std::string data;
  std::int64_t rate = 0;
  bool separate = false;
};
// Warns of values beyond [-1, 1], which are cut.
void write_sound(const std::string& path, const TensorView& values, const ModelSource& model, const SoundOut& out);

}  // namespace loom::runner
