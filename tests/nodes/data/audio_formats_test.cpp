// The values of recordings in every format, and files that end early.
#include <cstdint>
#include <filesystem>

#include "loom/check.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

struct SoundFormat {
  const char* name;
  int format;
  int bits;  // of whole numbers; 0: floats, -1: a codec that changes the values a little, -2: mu-law
};

const std::vector<SoundFormat> kFormats = {
    {"8 bits.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8},        {"16 bits.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16},
    {"24 bits.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 24},      {"32 bits.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 32},
    {"extensible.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, 24}, {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0},
    {"double.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 0},        {"mu-law.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, -2},
    {"16 bits.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16},    {"24 bits.FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 24},
    {"vorbis.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, -1},       {"16 bits.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 16},
    {"8 bits.aif", SF_FORMAT_AIFF | SF_FORMAT_PCM_S8, 8},       {"16 bits.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 16},
    {"mu-law.snd", SF_FORMAT_AU | SF_FORMAT_ULAW, -2},          {"24 bits.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_24, 24},
    {"16 bits.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 16},      {"32 bits.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_32, 32},
};
constexpr int kFrames = 3000;

// A whole number of `bits` bits that uses all of them.
int whole_number(int i, int c, int bits) {
  const auto bit = static_cast<std::uint32_t>(i * 2654435761U + static_cast<std::uint32_t>(c) * 40503U);
  return static_cast<int>(bit) >> (32 - bits);
}

// The 255 levels of G.711 mu-law, as numbers of 16 bits.
int mu_law_level(int i, int c) {
  const int code = (i * 7 + c) % 128, exponent = code >> 4, mantissa = code & 15;
  const int magnitude = (((2 * mantissa + 33) << exponent) - 33) * 4;
  return i % 2 == 0 ? magnitude : -magnitude;
}

float tone(int i, int c) { return static_cast<float>(0.4 * std::sin(0.03 * i + c) + 0.2 * std::sin(0.11 * i)); }

// Writes the file; sample i of channel c is what comes back.
std::function<float(int, int)> write_format(const std::string& path, const SoundFormat& format, int channels,
                                            int rate) {
  if (format.bits == 0 || format.bits == -1) {
    const float scale = format.bits == 0 ? 3.0F : 1.0F;  // floats may be greater than 1
    const auto value = [scale](int i, int c) { return scale * tone(i, c); };
    write_sound(path, kFrames, channels, value, rate, format.format);
    return value;
  }
  const int bits = format.bits == -2 ? 16 : format.bits;
  const auto level = [=](int i, int c) { return format.bits == -2 ? mu_law_level(i, c) : whole_number(i, c, bits); };
  write_sound(
      path, kFrames, channels,
      [=](int i, int c) { return static_cast<int>(static_cast<std::uint32_t>(level(i, c)) << (32 - bits)); }, rate,
      format.format);
  return [=](int i, int c) { return static_cast<float>(level(i, c) / std::ldexp(1.0, bits - 1)); };
}

void check_values(const SoundFormat& format, int channels, int rate) {
  const ScratchFolder folder;
  const auto value = write_format(folder.file(format.name), format, channels, rate);
  const DataSource data = open_audio(folder.path(), kFrames / 3, {{"channels", channels}});
  BOOST_TEST(data.sample_rate() == rate);
  BOOST_REQUIRE(data.size() == 3);
  const std::vector<float> samples = all_samples(data);
  double largest = 0;
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const int i = static_cast<int>(k) / channels, c = static_cast<int>(k) % channels;
    largest = std::max(largest, static_cast<double>(std::abs(samples[k] - value(i, c))));
  }
  BOOST_TEST(largest <= (format.bits == -1 ? 0.1 : 0.0));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(audio_formats)

BOOST_AUTO_TEST_CASE(values_are_those_of_the_file) {
  for (const SoundFormat& format : kFormats) {
    for (const int channels : {1, 2}) {
      for (const int rate : {8000, 16000, 44100, 48000}) {
        BOOST_TEST_CONTEXT(format.name << ", " << channels << " channels, " << rate << " Hz")
        check_values(format, channels, rate);
      }
    }
  }
}

// libsndfile takes the length from the header, and reads what is there of a shorter file without a word.
BOOST_AUTO_TEST_CASE(files_that_end_early) {
  for (const SoundFormat& format : kFormats) {
    const ScratchFolder folder;
    const std::string path = folder.file(format.name);
    write_format(path, format, 1, 8000);
    const std::string whole = read_bytes(path);
    for (const double part : {0.0, 0.0005, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 0.8, 0.95, 0.99, 0.999}) {
      write_bytes(path, whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
      BOOST_TEST_CONTEXT(format.name << ", " << part << " of the bytes")
      try {
        all_samples(open_audio(path, 100));
        BOOST_ERROR("it is read");
      } catch (const Error& error) {
        const std::string number(error_number(error.code()));
        BOOST_TEST((number == "E402" || number == "E403" || number == "E404" || number == "E405"), error.what());
        BOOST_TEST(std::string(error.what()).find(format.name) != std::string::npos);
      }
    }
  }
}

// Damage in the middle: an error or values, and no crash.
BOOST_AUTO_TEST_CASE(damaged_files) {
  for (const SoundFormat& format : kFormats) {
    const ScratchFolder folder;
    const std::string path = folder.file(format.name);
    write_format(path, format, 2, 8000);
    const std::string whole = read_bytes(path);
    for (std::size_t at = 0; at < std::min<std::size_t>(whole.size(), 120); ++at) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(~bytes[at]);
      write_bytes(path, bytes);
      try {
        BOOST_TEST(open_audio(path, 100).size() > 0);
      } catch (const Error& error) {
        BOOST_TEST(std::string(error.what()).find(format.name) != std::string::npos, error.what());
      }
    }
  }
}

// A program that writes FLAC into a pipe cannot go back to write the length.
BOOST_AUTO_TEST_CASE(a_flac_file_of_unknown_length) {
  const ScratchFolder folder;
  const std::string path = folder.file("a.flac");
  write_sound(path, 1000, 1, ramp, 8000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  std::string bytes = read_bytes(path);
  // The last 36 bits in front of the checksum of 16 bytes; the block of metadata begins at byte 8.
  bytes[8 + 13] = static_cast<char>(bytes[8 + 13] & 0xF0);
  for (std::size_t i = 14; i < 18; ++i) bytes[8 + i] = 0;
  write_bytes(path, bytes);
  const std::vector<float> samples = all_samples(open_audio(path, 250));
  BOOST_REQUIRE(samples.size() == 1000U);
  for (int i = 0; i < 1000; ++i) BOOST_TEST(std::abs(samples[static_cast<std::size_t>(i)] - ramp(i, 0)) < 1e-4F);
}

BOOST_AUTO_TEST_CASE(samples_that_are_no_numbers) {
  const ScratchFolder folder;
  write_sound(
      folder.file("a.wav"), 30, 2, [](int i, int c) { return i == 17 && c == 1 ? std::nanf("") : 0.5F; }, 8000,
      SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  const DataSource data = open_audio(folder.path(), 10);
  Item(data, 0);
  check_error(ErrorCode::data_corrupt, {"a.wav", "sample 17", "nan"}, [&] { Item(data, 1); });
}

// Text after the samples does not matter, whole or not.
BOOST_AUTO_TEST_CASE(what_follows_the_samples_is_not_needed) {
  const ScratchFolder folder;
  const std::string path = folder.file("a.wav");
  write_sound(path, 100, 1, ramp);
  write_bytes(path, read_bytes(path) + std::string("LIST\x40\0\0\0INFO", 12));
  BOOST_TEST(open_audio(path, 50).size() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
