#include "sound_file.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "loom/dataset.h"
#include "sound_extent.h"

namespace loom {
namespace {

using Bytes = std::span<const std::byte>;
using Sound = std::unique_ptr<SNDFILE, decltype([](SNDFILE* file) { sf_close(file); })>;

// Bytes in memory as a file of libsndfile's. It must outlive the sound.
struct MemoryFile {
  Bytes bytes;
  sf_count_t at = 0;

  sf_count_t size() const { return static_cast<sf_count_t>(bytes.size()); }
  static MemoryFile& of(void* user) { return *static_cast<MemoryFile*>(user); }
  static sf_count_t seek(sf_count_t offset, int whence, void* user) {
    MemoryFile& file = of(user);
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.at : file.size();
    return file.at = std::clamp<sf_count_t>(from + offset, 0, file.size());
  }
  static sf_count_t read(void* to, sf_count_t count, void* user) {
    MemoryFile& file = of(user);
    const sf_count_t taken = std::clamp<sf_count_t>(count, 0, file.size() - file.at);
    if (taken > 0) std::memcpy(to, file.bytes.data() + file.at, static_cast<std::size_t>(taken));
    file.at += taken;
    return taken;
  }
  static SF_VIRTUAL_IO functions() {
    return {[](void* user) { return of(user).size(); }, seek, read,
            [](const void*, sf_count_t, void*) -> sf_count_t { return 0; }, [](void* user) { return of(user).at; }};
  }
};

// A sound that is open: a file on the disk, or one in memory.
struct OpenSound {
  std::unique_ptr<MemoryFile> memory;
  Sound sound;
  SF_INFO info{};

  SNDFILE* get() const { return sound.get(); }
};

constexpr const char* kFormats = "a format of libsndfile: WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, W64, RF64";
constexpr std::int64_t kMaxFrames = std::int64_t{1} << 56;  // more is no length: FLAC from a pipe does not know its own

// The file says that it is a sound, whatever is wrong with the rest.
bool has_known_start(Bytes bytes) {
  std::array<char, 4> start{};
  std::memcpy(start.data(), bytes.data(), std::min(start.size(), bytes.size()));
  constexpr std::array<std::string_view, 10> kKnown = {"RIFF", "RIFX", "RF64", "FORM", "fLaC",
                                                       "OggS", ".snd", "dns.", "caff", "riff"};
  return std::ranges::find(kKnown, std::string_view(start.data(), start.size())) != kKnown.end();
}

OpenSound open_sound(const std::string& path, Bytes bytes) {
  OpenSound open;
  SF_INFO& info = open.info;
  if (bytes.data() == nullptr) {
    open.sound.reset(sf_open(path.c_str(), SFM_READ, &info));
  } else {
    open.memory = std::make_unique<MemoryFile>(bytes);
    SF_VIRTUAL_IO functions = MemoryFile::functions();
    open.sound.reset(sf_open_virtual(&functions, SFM_READ, &info, open.memory.get()));
  }
  if (!open.sound && has_known_start(bytes.data() == nullptr ? MappedFile(path).bytes() : bytes)) {
    throw file_error(ErrorCode::data_corrupt, path, 0, "the header of the recording cannot be read",
                     sf_strerror(nullptr), "a whole header");
  }
  if (!open.sound)
    throw file_error(ErrorCode::data_wrong_format, path, 0, "this is not a sound", sf_strerror(nullptr), kFormats);
  if (info.frames < 0 || info.channels < 1 || info.samplerate < 1) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset, "the header is invalid",
                     fmt::format("{} samples, {} channels, {} Hz", info.frames, info.channels, info.samplerate));
  }
  return open;
}

Error unreadable_sound(const std::string& path, SNDFILE* sound, std::int64_t first, const std::string& expected) {
  const bool damaged = sf_error(sound) != SF_ERR_NO_ERROR;
  return file_error(damaged ? ErrorCode::data_corrupt : ErrorCode::data_truncated, path, kNoOffset,
                    fmt::format("the samples from {} on cannot be read", first),
                    damaged ? sf_strerror(sound) : "the end of the file", expected);
}

std::int64_t count_frames(SNDFILE* sound, std::int64_t channels) {
  std::vector<float> block(static_cast<std::size_t>(4096 * channels));
  std::int64_t frames = 0;
  while (const sf_count_t got = sf_readf_float(sound, block.data(), 4096)) frames += got;
  return frames;
}

// A FLAC file that ends early has the length of the whole in its header.
void require_last_frame(const std::string& path, SNDFILE* sound, const SoundHeader& header) {
  std::vector<float> frame(static_cast<std::size_t>(header.channels));
  const std::int64_t last = header.frames - 1;
  if (sf_seek(sound, last, SEEK_SET) != last || sf_readf_float(sound, frame.data(), 1) != 1)
    throw file_error(ErrorCode::data_truncated, path, kNoOffset, "the recording ends early", "no last sample",
                     fmt::format("{} samples", header.frames));
}

// MPEG streams have no index that is exact: libsndfile lands beside the place, so what is before it is decoded too.
bool skip_to(SNDFILE* sound, const SF_INFO& info, std::int64_t first) {
  if ((info.format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG) return sf_seek(sound, first, SEEK_SET) == first;
  constexpr std::int64_t kBlock = 4096;
  std::vector<float> block(static_cast<std::size_t>(kBlock * info.channels));
  for (std::int64_t left = first; left > 0;) {
    const std::int64_t wanted = std::min(left, kBlock);
    if (sf_readf_float(sound, block.data(), wanted) != wanted) return false;
    left -= wanted;
  }
  return true;
}

}  // namespace

SoundHeader read_sound_header(const std::string& path, Bytes bytes) {
  if (bytes.data() == nullptr)
    require_all_samples(path, MappedFile(path).bytes());
  else
    require_all_samples(path, bytes);
  if (bytes.data() != nullptr && bytes.empty())
    throw file_error(ErrorCode::data_empty, path, kNoOffset, "the file is empty");
  const OpenSound sound = open_sound(path, bytes);
  const SF_INFO& info = sound.info;
  SoundHeader header{info.frames, info.channels, info.samplerate};
  if (header.frames > kMaxFrames)
    header.frames = count_frames(sound.get(), header.channels);
  else if ((info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC && header.frames > 0)
    require_last_frame(path, sound.get(), header);
  return header;
}

std::vector<float> read_frames(const std::string& path, const SoundHeader& header, std::int64_t first,
                               std::int64_t count, Bytes bytes) {
  const OpenSound sound = open_sound(path, bytes);
  const SF_INFO& info = sound.info;
  if (info.channels != header.channels || info.samplerate != header.rate) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset, "the file has changed since it was opened",
                     fmt::format("{} channels, {} Hz", info.channels, info.samplerate),
                     fmt::format("{} channels, {} Hz", header.channels, header.rate));
  }
  std::vector<float> frames(static_cast<std::size_t>(count * header.channels));
  if (!skip_to(sound.get(), info, first) || sf_readf_float(sound.get(), frames.data(), count) != count)
    throw unreadable_sound(path, sound.get(), first, fmt::format("{} samples", count));
  const auto odd = std::ranges::find_if(frames, [](float value) { return !std::isfinite(value); });
  if (odd != frames.end()) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset,
                     fmt::format("sample {} is no number", first + (odd - frames.begin()) / header.channels),
                     fmt::format("{}", *odd), "finite numbers");
  }
  return frames;
}

}  // namespace loom
