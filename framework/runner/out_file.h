// The file that --out of a verb names: a .png picture, a .npy array, a .csv table or, of some verbs, a .wav sound; or "-":
// the bytes of a .npy array on stdout.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "generate/model_source.h"
#include "loom/tensor.h"

namespace loom::runner {

// Before any work is done: throws Error(usage) for any other ending.
void check_out(const char* verb, const std::string& path, bool sounds = false, const char* option = "--out");
bool is_array(const std::string& path);  // a .npy, or "-"
bool is_table(const std::string& path);  // a .csv
bool is_sound(const std::string& path);  // a .wav
void write_array(const std::string& path, const TensorView& values);
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

// What a verb that wrote a file says at its end: the sentence on stdout (on stderr if stdout has the array), or with --json
//   out, shape [of what was written], and the verb's own values
void say_written(bool json, const std::string& out, const Shape& shape, const std::string& sentence,
                 nlohmann::ordered_json values = nlohmann::ordered_json::object());

}  // namespace loom::runner
