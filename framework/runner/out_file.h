// The file that --out of a verb names: a .png picture, a .npy array or, of some verbs, a .wav sound.
//
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "loom/tensor.h"

namespace loom::runner {

// Before any work is done: throws Error(usage) for any other ending.
void check_out(const char* verb, const std::string& path, bool sounds = false);
bool is_array(const std::string& path);  // a .npy
// Throws Error(data_shape) where there is no picture, since values of `shape` are no images; write_failed.
void write_picture(const std::string& path, const std::optional<std::string>& png, const Shape& shape);

}  // namespace loom::runner
