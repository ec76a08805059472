// Sound files for the tests of recordings, written by libsndfile.
#pragma once

#include <sndfile.h>

#include <cmath>

#include "nodes/data/data_checks.h"

namespace loom::check {

// `frames` frames; sample i of channel c is value(i, c), a float in [-1, 1] or the upper bits of an int.
template <class Value>
void write_sound(const std::string& path, int frames, int channels, Value value, int rate = 8000,
                 int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  BOOST_REQUIRE_MESSAGE(file != nullptr, path << ": " << sf_strerror(nullptr));
  for (int i = 0; i < frames; ++i) {
    std::vector<decltype(value(0, 0))> frame;
    for (int c = 0; c < channels; ++c) frame.push_back(value(i, c));
    if constexpr (std::is_same_v<decltype(value(0, 0)), int>)
      BOOST_REQUIRE(sf_writef_int(file, frame.data(), 1) == 1);
    else
      BOOST_REQUIRE(sf_writef_float(file, frame.data(), 1) == 1);
  }
  sf_close(file);
}

inline float ramp(int i, int) { return static_cast<float>(i) / 1024; }

// A sine of half amplitude.
inline auto sine(double hz, int rate) {
  return [step = 2 * 3.14159265358979323846 * hz / rate](int i, int) {
    return static_cast<float>(0.5 * std::sin(step * i));
  };
}

inline DataSource open_audio(const std::string& path, std::int64_t length, OptionList options = {},
                             const char* split = "all") {
  options.insert(options.end(), {{"path", path}, {"length", length}, {"split", split}});
  return open_data("audio", options);
}

// The values of x of all items, one after the other.
inline std::vector<float> all_samples(const DataSource& data) {
  std::vector<float> samples;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const std::vector<float> piece = Item(data, i).floats();
    samples.insert(samples.end(), piece.begin(), piece.end());
  }
  return samples;
}

}  // namespace loom::check
