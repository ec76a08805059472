#include "runner/out_file.h"

#include <fmt/format.h>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "runner/sound.h"
#include "runner/verbs.h"

namespace loom::runner {

bool is_array(const std::string& path) { return path.ends_with(".npy"); }

void check_out(const char* verb, const std::string& path, bool sounds) {
  if (is_array(path) || path.ends_with(".png") || (sounds && is_sound(path))) return;
  throw usage_error(verb,
                    fmt::format("--out is a {} file, not '{}'", sounds ? ".png, .npy or .wav" : ".png or .npy", path));
}

void write_picture(const std::string& path, const std::optional<std::string>& png, const Shape& shape) {
  if (!png)
    throw Error(ErrorCode::data_shape, fmt::format("values of shape {} are no images", shape.text()),
                "give --out a .npy file");
  write_text_file(path, *png);
}

}  // namespace loom::runner
