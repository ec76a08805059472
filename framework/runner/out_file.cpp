#include "runner/out_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "io/atomic_file.h"
#include "io/npy.h"
#include "io/wav.h"
#include "loom/error.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {

constexpr std::int64_t kDefaultRate = 8000;  // Hz

bool is_sound(const std::string& path) { return path.ends_with(".wav"); }

bool is_array(const std::string& path) { return path.ends_with(".npy") || path == "-"; }

bool is_table(const std::string& path) { return path.ends_with(".csv"); }

void check_out(const char* verb, const std::string& path, bool sounds, const char* option) {
  if (is_array(path) || is_table(path) || path.ends_with(".png") || (sounds && is_sound(path))) return;
  throw usage_error(verb, fmt::format("{} is a {} file, not '{}'", option,
                                      sounds ? ".png, .npy, .csv or .wav" : ".png, .npy or .csv", path));
}

void write_array(const std::string& path, const TensorView& values) {
  if (path != "-") return write_npy(path, values);
  write_out(npy_header(values.dtype(), values.shape()));
  write_out({static_cast<const char*>(values.raw()), values.bytes()});
  flush_out();
}

void write_picture(const std::string& path, const std::optional<std::string>& png, const Shape& shape) {
  if (!png)
    throw Error(ErrorCode::data_shape, fmt::format("values of shape {} are not images", shape.text()),
                "a .npy or .csv file can hold them");
  write_text_file(path, *png);
}

void write_sound(const std::string& path, const TensorView& values, const ModelSource& model, const SoundOut& out) {
  std::int64_t rate = out.rate > 0 ? out.rate : model.sample_rate(out.data);
  if (rate <= 0) rate = kDefaultRate;
  const WrittenSounds written = write_wav(path, values, rate, out.separate);
  if (written.cut > 0)
    spdlog::warn("{}: {} of {} values are outside [-1, 1] and are clipped", path, written.cut, values.count());
}

void say_written(bool json, const std::string& out, const Shape& shape, const std::string& sentence,
                 nlohmann::ordered_json values) {
  if (!json) return out == "-" ? say(sentence + "\n") : write_out(sentence + "\n");
  const auto extents = shape.extents();
  nlohmann::ordered_json result = {{"out", out}, {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}};
  result.update(values);
  if (out == "-")
    say(result.dump() + "\n");
  else
    print_json(result);
}

}  // namespace loom::runner
