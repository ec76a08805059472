// The log spectral distance: known distances, and its order on sounds that one tells apart.
#include "measure/spectral_distance.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "loom/error.h"
#include "measure/support.h"

using namespace loom;
using namespace loom::measure;

namespace {

constexpr std::size_t kLength = 4000;

std::vector<float> noise(std::uint64_t seed, float scale = 0.1F) {
  std::vector<float> samples(kLength);
  RandomStream(seed, 1, 0).normal(0, samples);
  for (float& sample : samples) sample *= scale;
  return samples;
}

// Harmonics of a fundamental, as those of a voice.
std::vector<float> voice(double cycles, double phase = 0) {
  std::vector<float> samples(kLength);
  for (std::size_t i = 0; i < kLength; ++i) {
    double sum = 0;
    for (int h = 1; h <= 10; ++h)
      sum += std::sin(2 * std::numbers::pi * h * cycles * static_cast<double>(i) + h * phase) / h;
    samples[i] = static_cast<float>(0.2 * sum);
  }
  return samples;
}

std::vector<float> scaled(std::vector<float> samples, double decibels) {
  for (float& sample : samples) sample *= static_cast<float>(std::pow(10, decibels / 20));
  return samples;
}

// Of one frame, by the definition: each bin's sum written out.
double distance_of_a_frame(const std::vector<float>& x, const std::vector<float>& y) {
  const auto level = [](const std::vector<float>& samples, int bin) {
    double re = 0, im = 0;
    for (int i = 0; i < 256; ++i) {
      const double angle = 2 * std::numbers::pi * i / 256;
      const double value =
          (0.5 - 0.5 * std::cos(angle)) / 64 * static_cast<double>(samples[static_cast<std::size_t>(i)]);
      re += value * std::cos(angle * bin);
      im -= value * std::sin(angle * bin);
    }
    return 20 * std::log10(std::max(std::hypot(re, im), 1e-4));
  };
  double squares = 0;
  for (int bin = 0; bin <= 128; ++bin) squares += std::pow(level(x, bin) - level(y, bin), 2);
  return std::sqrt(squares / 129);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spectral_distance)

BOOST_AUTO_TEST_CASE(equal_sounds) {
  BOOST_TEST(log_spectral_distance(noise(1), noise(1)) == 0);
  const std::vector<float> silence(kLength, 0.0F);
  BOOST_TEST(log_spectral_distance(silence, silence) == 0);
}

BOOST_AUTO_TEST_CASE(a_louder_sound) {
  for (const double decibels : {6.0, 20.0})
    BOOST_TEST(std::abs(log_spectral_distance(scaled(noise(1, 0.5F), decibels), noise(1, 0.5F)) - decibels) < 0.05);
}

BOOST_AUTO_TEST_CASE(one_frame_by_the_definition) {
  std::vector<float> x = noise(1), y = noise(2);
  x.resize(256), y.resize(256);
  BOOST_TEST(std::abs(log_spectral_distance(x, y) - distance_of_a_frame(x, y)) < 1e-9);
  x = voice(0.013), y = voice(0.031);
  x.resize(300), y.resize(300);  // what fills no frame is left out
  BOOST_TEST(std::abs(log_spectral_distance(x, y) - distance_of_a_frame(x, y)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(a_sine_of_full_scale_and_silence) {
  std::vector<float> sine(256);
  for (std::size_t i = 0; i < 256; ++i) sine[i] = std::sin(2 * std::numbers::pi_v<float> * static_cast<float>(i) / 8);
  // 80 dB in its bin, 6 dB less in the two beside it, nothing elsewhere
  const double side = 80 - 20 * std::log10(2.0), expected = std::sqrt((80 * 80 + 2 * side * side) / 129);
  BOOST_TEST(std::abs(log_spectral_distance(sine, std::vector<float>(256, 0.0F)) - expected) < 0.1);
}

BOOST_AUTO_TEST_CASE(the_nearer_sound_is_nearer) {
  const std::vector<float> original = voice(0.0156);
  std::vector<float> reconstruction = voice(0.0156, 1.3);  // other phases
  const std::vector<float> hiss = noise(3, 0.001F);
  for (std::size_t i = 0; i < kLength; ++i) reconstruction[i] += hiss[i];
  const double near = log_spectral_distance(reconstruction, original);
  BOOST_TEST(near < 0.6 * log_spectral_distance(voice(0.0211), original));
  BOOST_TEST(near < 0.3 * log_spectral_distance(noise(4), original));
}

BOOST_AUTO_TEST_CASE(sounds_that_do_not_compare) {
  const std::vector<float> sound = noise(1);
  const auto error = [](const Error& e) { return e.code() == ErrorCode::data_shape; };
  BOOST_CHECK_EXCEPTION(log_spectral_distance(sound, std::span(sound).first(3999)), Error, error);
  BOOST_CHECK_EXCEPTION(log_spectral_distance(std::span(sound).first(255), std::span(sound).first(255)), Error, error);
}

BOOST_AUTO_TEST_SUITE_END()
