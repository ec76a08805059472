// Channels and sample rates: one or several channels, conversion to another rate.
#include <algorithm>

#include "loom/check.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr int kFloat = SF_FORMAT_WAV | SF_FORMAT_FLOAT;

// Amplitude of a frequency in the samples [first, last), by projection on its sine and cosine.
double amplitude(const std::vector<float>& samples, double hz, int rate, std::size_t first, std::size_t last) {
  double real = 0, imaginary = 0;
  for (std::size_t i = first; i < last; ++i) {
    const double angle = 2 * 3.14159265358979323846 * hz * static_cast<double>(i) / rate;
    real += samples[i] * std::cos(angle);
    imaginary += samples[i] * std::sin(angle);
  }
  return 2 * std::hypot(real, imaginary) / static_cast<double>(last - first);
}

OptionList resampled(int rate) { return {{"rate", rate}, {"resample", true}}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(audio_rate)

BOOST_AUTO_TEST_CASE(channels_are_kept) {
  const ScratchFolder folder;
  const auto value = [](int i, int c) { return static_cast<float>(i) / 64 * (c == 0 ? 1.0F : -1.0F); };
  write_sound(folder.file("a.wav"), 20, 2, value);
  const DataSource two = open_audio(folder.path(), 10, {{"channels", 2}});
  BOOST_TEST((two.columns()[0].event == Shape{10, 2}));
  const std::vector<float> samples = all_samples(two);
  for (int i = 0; i < 40; ++i) BOOST_TEST(samples[static_cast<std::size_t>(i)] == value(i / 2, i % 2));
  for (const float sample : all_samples(open_audio(folder.path(), 10))) BOOST_TEST(sample == 0);
  const DataSource codes = open_audio(folder.path(), 10, {{"channels", 2}, {"representation", "mu_law"}});
  BOOST_TEST((codes.columns()[0].event == Shape{10, 2}));
  BOOST_TEST(Item(codes, 0).integers(0)[19] < 127);
}

BOOST_AUTO_TEST_CASE(files_with_other_channels) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 20, 2, ramp);
  write_sound(folder.file("b.wav"), 20, 1, ramp);
  write_sound(folder.file("c.wav"), 20, 3, ramp);
  const auto open = [&] { open_audio(folder.path(), 10, {{"channels", 2}}); };
  check_error(ErrorCode::data_shape, {"b.wav", "1 channel", "2 channels", "c.wav", "3 channels", "channels: 1"}, open);
  BOOST_TEST(open_audio(folder.path(), 10).size() == 6);
}

BOOST_AUTO_TEST_CASE(other_rates_are_an_error_that_names_the_option) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 100, 1, ramp);
  write_sound(folder.file("b.wav"), 100, 1, ramp, 22050);
  check_error(ErrorCode::data_shape, {"b.wav", "22050 Hz", "8000 Hz", "resample: true"},
              [&] { open_audio(folder.path(), 10); });
  check_error(ErrorCode::data_shape, {"a.wav", "b.wav", "16000 Hz"}, [&] {
    open_audio(folder.path(), 10, {{"rate", 16000}});
  });
  BOOST_TEST(open_audio(folder.path(), 10, {{"resample", true}}).sample_rate() == 8000);
}

BOOST_AUTO_TEST_CASE(a_sine_keeps_its_frequency_and_its_amplitude) {
  for (const auto& [from, to] : {std::pair{44100, 8000},
                                 {8000, 44100},
                                 {48000, 44100},
                                 {44100, 48000},
                                 {16000, 8000},
                                 {8000, 48000},
                                 {22050, 16000},
                                 {11025, 11024}}) {
    const ScratchFolder folder;
    write_sound(folder.file("a.wav"), from, 1, sine(1000, from), from, kFloat);
    const DataSource data = open_audio(folder.path(), to, resampled(to));
    BOOST_TEST_CONTEXT(from << " Hz to " << to << " Hz") {
      BOOST_REQUIRE(data.size() == 1);
      BOOST_TEST(data.sample_rate() == to);
      const std::vector<float> samples = Item(data, 0).floats();
      const auto whole = static_cast<std::size_t>(to);
      // Ends apart, where the filter sees silence. Windows of whole periods.
      BOOST_TEST(std::abs(amplitude(samples, 1000, to, whole / 4, whole / 2) - 0.5) < 0.005);
      BOOST_TEST(amplitude(samples, 1010, to, 0, whole) < 0.005);
      double largest = 0;
      const auto expected = sine(1000, to);
      for (std::size_t i = whole / 20; i < whole - whole / 20; ++i)
        largest = std::max(largest, static_cast<double>(std::abs(samples[i] - expected(static_cast<int>(i), 0))));
      BOOST_TEST(largest < 0.005);
    }
  }
}

BOOST_AUTO_TEST_CASE(frequencies_above_the_new_rate_are_removed) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 48000, 1, sine(10000, 48000), 48000, kFloat);
  const std::vector<float> samples = all_samples(open_audio(folder.path(), 8000, resampled(8000)));
  BOOST_REQUIRE(samples.size() == 8000U);
  for (std::size_t i = 400; i < 7600; ++i) BOOST_TEST(std::abs(samples[i]) < 0.001);
}

BOOST_AUTO_TEST_CASE(the_length_is_right) {
  for (const auto& [frames, to, expected] : {std::tuple{44100, 8000, 8000},
                                             {44099, 8000, 8000},
                                             {1000, 8000, 181},
                                             {1, 44101, 1},
                                             {1000, 48000, 1088},
                                             {7, 44100, 7}}) {
    const ScratchFolder folder;
    write_sound(folder.file("a.wav"), frames, 1, sine(100, 44100), 44100, kFloat);
    BOOST_TEST(open_audio(folder.path(), expected, resampled(to)).size() == 1);
    check_error(ErrorCode::data_empty, {"shorter"}, [&] { open_audio(folder.path(), expected + 1, resampled(to)); });
  }
}

// The same bits in pieces of any length, one after the other or alone.
BOOST_AUTO_TEST_CASE(pieces_have_the_bits_of_the_whole) {
  const ScratchFolder folder;
  const auto noise = [](int i, int c) { return static_cast<float>(std::sin(0.9 * i * i + c) * 0.5); };
  for (const int channels : {1, 2}) {
    write_sound(folder.file("a.wav"), 60000, channels, noise, 44100, kFloat);
    for (const int rate : {16000, 48000}) {
      OptionList options = resampled(rate);
      options.emplace_back("channels", channels);
      const int length = static_cast<int>(60000.0 * rate / 44100);
      const std::vector<float> whole = all_samples(open_audio(folder.path(), length, options));
      BOOST_TEST(whole.size() == static_cast<std::size_t>(length * channels));
      for (const int piece : {512, 4096, 5000}) {
        const std::vector<float> pieces = all_samples(open_audio(folder.path(), piece, options));
        BOOST_TEST(pieces.size() > whole.size() * 4 / 5);
        BOOST_TEST(std::equal(pieces.begin(), pieces.end(), whole.begin()));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(recordings_of_several_rates) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 800, 1, sine(200, 8000), 8000, kFloat);
  write_sound(folder.file("b.wav"), 4410, 2, sine(200, 44100), 44100, kFloat);
  const DataSource data = open_audio(folder.path(), 800, resampled(8000));
  BOOST_REQUIRE(data.size() == 2);
  const std::vector<float> same = Item(data, 0).floats(), converted = Item(data, 1).floats();
  for (std::size_t i = 0; i < 800; ++i) BOOST_TEST(same[i] == sine(200, 8000)(static_cast<int>(i), 0));
  for (std::size_t i = 200; i < 600; ++i) BOOST_TEST(std::abs(same[i] - converted[i]) < 0.005);
  check_error(ErrorCode::data_specification, {"44100 Hz", "50 Hz", "256"},
              [&] { open_audio(folder.path(), 1, resampled(50)); });
}

BOOST_AUTO_TEST_CASE(a_run_of_mono_files_does_not_average_others) {
  const ScratchFolder mono, stereo;
  write_sound(mono.file("m.wav"), 8, 1, ramp);
  write_sound(stereo.file("s.wav"), 8, 2, ramp);
  const auto open = [](const ScratchFolder& folder, OptionList more) {
    more.insert(more.end(), {{"path", folder.path()}, {"length", 4}, {"split", "all"}});
    return open_data("audio", more);
  };
  const auto with_card = [&](const DataSource& run, const ScratchFolder& folder) {
    const DataCard card = run.card();
    const DataEntry entry = data_entry("audio", {{"path", folder.path()}, {"split", "all"}});
    return DataSource(standard_registry(), loom::with_card(standard_registry(), entry, card), &card);
  };
  check_error(ErrorCode::data_shape, {"another number of channels", "2 channels", "1 channel", "mix: true"},
              [&] { with_card(open(mono, {}), stereo); });
  BOOST_TEST(with_card(open(stereo, {}), mono).size() == 2);
  BOOST_TEST(with_card(open(stereo, {}), stereo).size() == 2);
  check_error(ErrorCode::data_shape, {"mix: true averages"}, [&] { open(stereo, {{"mix", false}}); });
}

BOOST_AUTO_TEST_SUITE_END()
