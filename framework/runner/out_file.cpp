#include "runner/out_file.h"

#include <fmt/format.h>

#include "core/error.h"
#include "runner/verbs.h"
#include "train/atomic_file.h"

namespace loom::runner {

bool is_array(const std::string& path) { return path.ends_with(".npy"); }

void check_out(const char* verb, const std::string& path) {
  if (!is_array(path) && !path.ends_with(".png"))
    throw usage_error(verb, fmt::format("--out is a .png or .npy file, not '{}'", path));
}

void write_picture(const std::string& path, const std::optional<std::string>& png, const Shape& shape) {
  if (!png)
    throw Error(ErrorCode::data_shape, fmt::format("values of shape {} are no images", shape.text()),
                "give --out a .npy file");
  write_text_file(path, *png);
}

}  // namespace loom::runner
