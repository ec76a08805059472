// Sounds as WAV files: channels, files apart, values beyond the range.
#include "io/wav.h"

#include <sndfile.h>

#include <cmath>

#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Written {
  SF_INFO info{};
  std::vector<float> samples;
  explicit Written(const std::string& path) {
    SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
    BOOST_REQUIRE(file != nullptr);
    samples.resize(static_cast<std::size_t>(info.frames * info.channels));
    BOOST_TEST(sf_readf_float(file, samples.data(), info.frames) == info.frames);
    sf_close(file);
  }
};

Tensor sounds(const Shape& shape) {
  Tensor values(DType::f32, shape);
  for (std::size_t i = 0; i < values.values().size(); ++i) values.values()[i] = static_cast<float>(i) / 64;
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wav)

BOOST_AUTO_TEST_CASE(two_channels) {
  const ScratchFolder folder;
  const Tensor values = sounds({3, 5, 2});
  const WrittenSounds one = write_wav(folder.file("a.wav"), values, 16000);
  BOOST_REQUIRE(one.files.size() == 1U);
  const Written whole(one.files[0]);
  BOOST_TEST(whole.info.channels == 2);
  BOOST_TEST(whole.info.samplerate == 16000);
  BOOST_TEST(whole.info.frames == 15);
  for (std::size_t i = 0; i < whole.samples.size(); ++i)
    BOOST_TEST(std::abs(whole.samples[i] - values.values()[i]) < 1e-4F);
  const WrittenSounds apart = write_wav(folder.file("b.wav"), values, 16000, true);
  BOOST_REQUIRE(apart.files.size() == 3U);
  BOOST_TEST(std::abs(Written(apart.files[2]).samples[1] - values.values()[21]) < 1e-4F);
}

BOOST_AUTO_TEST_CASE(shapes_of_sounds) {
  BOOST_TEST(sound_channels({4, 100}) == 1);
  BOOST_TEST(sound_channels({4, 100, 1}) == 1);
  BOOST_TEST(sound_channels({4, 100, 6}) == 6);
  BOOST_TEST(sound_channels({4, 28, 28}) == 0);
  BOOST_TEST(sound_channels({4, 28, 28, 1}) == 0);
  const ScratchFolder folder;
  BOOST_CHECK_THROW(write_wav(folder.file("a.wav"), sounds({1, 4, 9}), 8000), Error);
}

BOOST_AUTO_TEST_CASE(values_beyond_the_range_are_counted) {
  const ScratchFolder folder;
  Tensor values = sounds({1, 4});
  values.values()[1] = 1.5F;
  values.values()[2] = std::nanf("");
  BOOST_TEST(write_wav(folder.file("a.wav"), values, 8000).cut == 2);
  BOOST_TEST(Written(folder.file("a.wav")).samples[1] > 0.99F);
}

BOOST_AUTO_TEST_SUITE_END()
