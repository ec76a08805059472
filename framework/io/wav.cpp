#include "io/wav.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "io/atomic_file.h"
#include "loom/error.h"

namespace loom {
namespace {

using Sound = std::unique_ptr<SNDFILE, decltype([](SNDFILE* file) { sf_close(file); })>;

// A file in memory, as libsndfile writes it: the header is rewritten when the length is known.
struct Memory {
  std::string bytes;
  std::size_t at = 0;

  static SF_VIRTUAL_IO functions() {
    SF_VIRTUAL_IO io{};
    io.get_filelen = [](void* self) { return static_cast<sf_count_t>(of(self).bytes.size()); };
    io.tell = [](void* self) { return static_cast<sf_count_t>(of(self).at); };
    io.seek = [](sf_count_t offset, int whence, void* self) {
      Memory& memory = of(self);
      const std::size_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory.at : memory.bytes.size();
      memory.at = base + static_cast<std::size_t>(offset);
      return static_cast<sf_count_t>(memory.at);
    };
    io.read = [](void* out, sf_count_t count, void* self) {
      Memory& memory = of(self);
      const std::size_t left = memory.bytes.size() - std::min(memory.at, memory.bytes.size());
      const std::size_t taken = std::min(left, static_cast<std::size_t>(count));
      std::memcpy(out, memory.bytes.data() + memory.at, taken);
      memory.at += taken;
      return static_cast<sf_count_t>(taken);
    };
    io.write = [](const void* in, sf_count_t count, void* self) {
      Memory& memory = of(self);
      const auto size = static_cast<std::size_t>(count);
      if (memory.bytes.size() < memory.at + size) memory.bytes.resize(memory.at + size);
      std::memcpy(memory.bytes.data() + memory.at, in, size);
      memory.at += size;
      return count;
    };
    return io;
  }
  static Memory& of(void* self) { return *static_cast<Memory*>(self); }
};

void write_one(const std::string& path, std::span<const float> values, std::int64_t rate, std::int64_t channels) {
  Memory memory;
  SF_VIRTUAL_IO functions = Memory::functions();
  SF_INFO info{};
  info.samplerate = static_cast<int>(rate);
  info.channels = static_cast<int>(channels);
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  {
    const Sound sound(sf_open_virtual(&functions, SFM_WRITE, &info, &memory));
    if (!sound)
      throw Error(ErrorCode::write_failed,
                  fmt::format("{}: the sound cannot be written: {}", path, sf_strerror(nullptr)));
    sf_command(sound.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
    const auto count = static_cast<sf_count_t>(values.size());
    if (sf_write_float(sound.get(), values.data(), count) != count)
      throw Error(ErrorCode::write_failed, fmt::format("{}: {}", path, sf_strerror(sound.get())));
  }
  write_text_file(path, memory.bytes);
}

}  // namespace

std::int64_t sound_channels(const Shape& shape) {
  constexpr std::int64_t kMost = 8;
  if (shape.rank() == 2) return 1;
  return shape.rank() == 3 && shape.back() <= kMost ? shape.back() : 0;
}

WrittenSounds write_wav(const std::string& path, const TensorView& values, std::int64_t rate, bool separate) {
  const std::int64_t channels = sound_channels(values.shape());
  if (channels == 0 || values.dtype() != DType::f32) {
    Diagnostic finding;
    finding.code = ErrorCode::data_shape;
    finding.message = "these values are not sounds";
    finding.got = fmt::format("{} {}", values.shape().text(), name_of(values.dtype()));
    finding.expected = "[N, T] or [N, T, channels] f32 of at most 8 channels, in [-1, 1]";
    finding.hint = "a .npy file can contain any values";
    throw Error(std::move(finding));
  }
  WrittenSounds written;
  written.cut = std::ranges::count_if(values.values(), [](float v) { return !(std::abs(v) <= 1.0F); });
  if (!separate) {
    write_one(path, values.values(), rate, channels);
    written.files = {path};
    return written;
  }
  for (std::int64_t n = 0; n < values.samples(); ++n) {
    written.files.push_back(fmt::format("{}-{}.wav", path.substr(0, path.size() - 4), n));
    write_one(written.files.back(), values[n], rate, channels);
  }
  return written;
}

}  // namespace loom
