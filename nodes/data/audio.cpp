// A folder of WAV and FLAC recordings, cut into pieces of equal length and read as they are needed.
#include <sndfile.h>

#include <cmath>
#include <cstring>

#include "data/dataset.h"
#include "files.h"
#include "split.h"

namespace {

using loom::ErrorCode;
using loom::data::file_error;
using loom::data::kNoOffset;

constexpr int kLevels = 256;  // of mu-law, mu = 255 (ITU-T G.711)

using Sound = std::unique_ptr<SNDFILE, decltype([](SNDFILE* file) { sf_close(file); })>;

// libsndfile reads what there is of a WAV file that ends early; its header tells. Sizes of 0 and of all ones are
// written by programs that do not know the length in advance.
void require_whole(const std::string& path) {
  const loom::data::MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() < 8 || std::memcmp(bytes.data(), "RIFF", 4) != 0) return;
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data() + 4, sizeof(size));
  if (size == 0 || size >= 0xFFFFFF00U || std::uint64_t{size} + 8 <= bytes.size()) return;
  throw file_error(ErrorCode::data_truncated, path, static_cast<std::int64_t>(bytes.size()), "the recording ends early",
                   fmt::format("{} bytes", bytes.size()), fmt::format("{} bytes", std::uint64_t{size} + 8));
}

Sound open_sound(const std::string& path, SF_INFO& info) {
  info = {};
  Sound sound(sf_open(path.c_str(), SFM_READ, &info));
  if (!sound)
    throw file_error(ErrorCode::data_wrong_format, path, 0, "this is no sound", sf_strerror(nullptr), "WAV or FLAC");
  if (info.frames <= 0) throw file_error(ErrorCode::data_empty, path, kNoOffset, "there is no sample");
  if (info.channels < 1 || info.samplerate < 1) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset, "the header is nonsensical",
                     fmt::format("{} channels, {} Hz", info.channels, info.samplerate));
  }
  return sound;
}

// The level of a sample in [-1, 1]: companded, then rounded to one of 256.
std::int32_t mu_law(float sample) {
  const float x = std::clamp(sample, -1.0F, 1.0F);
  const float companded = std::copysign(std::log1p(255.0F * std::abs(x)) / std::log(256.0F), x);
  return std::min(kLevels - 1, static_cast<std::int32_t>((companded + 1) * 0.5F * (kLevels - 1) + 0.5F));
}

struct Recording {
  std::string path;
  std::int64_t first_piece = 0;  // number of its first piece in the whole data
};

class Audio final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A folder of WAV and FLAC recordings, cut into pieces of equal length; several channels are averaged");
    c.source("mu-law: ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2");
    c.output("x", "[N, length, 1]", "waveform: f32 in [-1, 1]; mu_law: i32 [N, length] in 0 ... 255");
    c.option("path", loom::required, loom::text(), "the folder, or one file");
    c.option("length", 16384, loom::integer().at_least(1).at_most(1 << 26),
             "of a piece; the rest of a recording is left out", "samples");
    c.option("representation", "waveform", loom::text({"waveform", "mu_law"}), "of x");
    c.option("rate", 0, loom::integer().at_least(0), "what every file must have; 0: what the first has", "Hz");
    c.option("holdout", 10, loom::integer().at_least(2), "every how manyth piece is held out for test");
    loom::data::declare_split(c, "test is every holdout-th of a pseudo-random order of the pieces");
  }

  explicit Audio(const loom::Options& options)
      : folder_(options.text("path")),
        length_(options.integer("length")),
        mu_law_(options.text("representation") == "mu_law"),
        rate_(options.integer("rate")),
        split_name_(options.text("split")) {
    loom::data::require_exists(folder_);
    if (loom::data::is_folder(folder_))
      files_ = loom::data::list_files(folder_, {".wav", ".flac"});
    else
      files_ = {folder_};
    for (const std::string& file : files_) add(file);
    if (pieces_ == 0) {
      throw file_error(ErrorCode::data_empty, folder_, kNoOffset, "every recording is shorter than a piece",
                       fmt::format("{} files", files_.size()), fmt::format("{} samples", length_));
    }
    split_ = loom::data::Split(split_name_, pieces_, options.integer("holdout"), 1);
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    if (mu_law_) return {{"x", loom::DType::i32, {length_}}};
    return {{"x", loom::DType::f32, {length_, 1}}};
  }
  std::int64_t sample_rate() const override { return rate_; }
  std::string hash() const override {
    loom::data::ContentHash hash;
    loom::data::add_files(hash, folder_, files_);
    for (std::int64_t value : {length_, split_.size(), std::int64_t{mu_law_}}) hash.add(value);
    hash.add(split_name_);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::int64_t piece = split_.item(index);
    const auto after = std::ranges::upper_bound(recordings_, piece, {}, &Recording::first_piece);
    const Recording& recording = *std::prev(after);
    std::vector<float> samples = read_piece(recording.path, (piece - recording.first_piece) * length_);
    if (!mu_law_)
      std::ranges::copy(samples, out[0].data());
    else
      std::ranges::transform(samples, out[0].data<std::int32_t>(), mu_law);
  }

 private:
  void add(const std::string& file) {
    require_whole(file);
    SF_INFO info;
    const Sound sound = open_sound(file, info);
    if (rate_ == 0) rate_ = info.samplerate;
    if (info.samplerate != rate_) {
      throw file_error(ErrorCode::data_shape, file, kNoOffset, "the recordings have different rates",
                       fmt::format("{} Hz", info.samplerate), fmt::format("{} Hz", rate_));
    }
    const std::int64_t pieces = info.frames / length_;
    if (pieces > 0) recordings_.push_back({file, pieces_});
    pieces_ += pieces;
  }

  std::vector<float> read_piece(const std::string& path, std::int64_t start) const {
    SF_INFO info;
    const Sound sound = open_sound(path, info);
    std::vector<float> frames(static_cast<std::size_t>(length_ * info.channels));
    if (sf_seek(sound.get(), start, SEEK_SET) != start ||
        sf_readf_float(sound.get(), frames.data(), length_) != length_) {
      const bool damaged = sf_error(sound.get()) != SF_ERR_NO_ERROR;
      throw file_error(damaged ? ErrorCode::data_corrupt : ErrorCode::data_truncated, path, kNoOffset,
                       fmt::format("the samples from {} on cannot be read", start), sf_strerror(sound.get()),
                       fmt::format("{} samples", length_));
    }
    const auto channels = static_cast<std::size_t>(info.channels);
    if (channels == 1) return frames;
    std::vector<float> mean(static_cast<std::size_t>(length_), 0.0F);
    for (std::size_t i = 0; i < frames.size(); ++i) mean[i / channels] += frames[i] / static_cast<float>(channels);
    return mean;
  }

  std::string folder_;
  std::vector<std::string> files_;
  std::int64_t length_;
  bool mu_law_;
  std::int64_t rate_;
  std::string split_name_;
  std::vector<Recording> recordings_;  // those with a piece at least
  std::int64_t pieces_ = 0;
  loom::data::Split split_;
};
LOOM_DATASET(Audio, "audio")

}  // namespace
