// A folder of WAV and FLAC recordings, cut into pieces of equal length and read on demand.
#include <sndfile.h>

#include <cstring>

#include "files.h"
#include "loom/dataset.h"
#include "math/mu_law.h"
#include "name_fields.h"

namespace {

using loom::ErrorCode;
using loom::file_error;
using loom::kNoOffset;

using Sound = std::unique_ptr<SNDFILE, decltype([](SNDFILE* file) { sf_close(file); })>;

// libsndfile reads a truncated WAV file without an error, so the header is checked. Sizes of 0 and of all ones are
// written by programs that do not know the length in advance.
void require_whole(const std::string& path) {
  const loom::MappedFile file(path);
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
    throw file_error(ErrorCode::data_wrong_format, path, 0, "this is not a sound", sf_strerror(nullptr), "WAV or FLAC");
  if (info.frames <= 0) throw file_error(ErrorCode::data_empty, path, kNoOffset, "there are no samples");
  if (info.channels < 1 || info.samplerate < 1) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset, "the header is invalid",
                     fmt::format("{} channels, {} Hz", info.channels, info.samplerate));
  }
  return sound;
}

struct Recording {
  std::size_t file;  // number in the list of files
  std::int64_t frames = 0;
  std::int64_t first_piece = 0;  // number of its first piece in the whole data
};

class Audio final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A folder of WAV and FLAC recordings, cut into pieces of equal length; several channels are averaged");
    c.source("mu-law: ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2");
    c.output("x", "[N, length, 1]", "waveform: f32 in [-1, 1]; mu_law: i32 [N, length] in 0 ... 255");
    c.option("path", loom::required, loom::text(), "the folder, or one file");
    c.option("length", 16384, loom::integer().at_least(1).at_most(1 << 26), "length of a piece", "samples");
    c.option("tail", "drop", loom::text({"drop", "pad"}), "the rest of a recording: dropped, or padded with silence");
    c.option("names", "", loom::text(), "labels in the names of the files, as {digit}_{speaker}_{take}: i32 columns");
    c.option("representation", "waveform", loom::text({"waveform", "mu_law"}), "of x");
    c.option("rate", 0, loom::integer().at_least(0), "sample rate that every file must have; 0: that of the first file",
             "Hz");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many pieces is held out for test");
    loom::declare_split(c, "test is every holdout-th piece of a pseudo-random order");
  }

  explicit Audio(const loom::Options& options)
      : folder_(options.text("path")),
        length_(options.integer("length")),
        mu_law_(options.text("representation") == "mu_law"),
        pad_(options.text("tail") == "pad"),
        rate_(options.integer("rate")),
        split_name_(options.text("split")) {
    loom::require_exists(folder_);
    if (loom::is_folder(folder_))
      files_ = loom::list_files(folder_, {".wav", ".flac"});
    else
      files_ = {folder_};
    for (std::size_t file = 0; file < files_.size(); ++file) add(file);
    if (!options.text("names").empty()) labels_ = loom::NameFields(options.text("names"), files_);
    if (pieces_ == 0) {
      throw file_error(ErrorCode::data_empty, folder_, kNoOffset, "every recording is shorter than a piece",
                       fmt::format("{} files", files_.size()), fmt::format("{} samples", length_));
    }
    split_ = loom::Split(split_name_, pieces_, options.integer("holdout"), 1);
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns = labels_.columns();
    columns.insert(columns.begin(), mu_law_ ? loom::Column{"x", loom::DType::i32, {length_}}
                                            : loom::Column{"x", loom::DType::f32, {length_, 1}});
    return columns;
  }
  std::int64_t sample_rate() const override { return rate_; }
  std::string hash() const override {
    loom::ContentHash hash;
    loom::add_files(hash, folder_, files_);
    for (std::int64_t value : {length_, split_.size(), std::int64_t{mu_law_}, std::int64_t{pad_}}) hash.add(value);
    hash.add(split_name_);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::int64_t piece = split_.item(index);
    const auto after = std::ranges::upper_bound(recordings_, piece, {}, &Recording::first_piece);
    const Recording& recording = *std::prev(after);
    for (std::size_t k = 0; k < labels_.count(); ++k)
      out[k + 1].data<std::int32_t>()[0] = labels_.code(recording.file, k);
    const std::vector<float> samples = read_piece(recording, (piece - recording.first_piece) * length_);
    if (!mu_law_)
      std::ranges::copy(samples, out[0].data());
    else
      std::ranges::transform(samples, out[0].data<std::int32_t>(),
                             [law = loom::MuLaw()](float x) { return law.encode(x); });
  }

 private:
  void add(std::size_t index) {
    const std::string& file = files_[index];
    require_whole(file);
    SF_INFO info;
    const Sound sound = open_sound(file, info);
    if (rate_ == 0) rate_ = info.samplerate;
    if (info.samplerate != rate_) {
      throw file_error(ErrorCode::data_shape, file, kNoOffset, "the recordings have different rates",
                       fmt::format("{} Hz", info.samplerate), fmt::format("{} Hz", rate_));
    }
    const std::int64_t pieces = (info.frames + (pad_ ? length_ - 1 : 0)) / length_;
    if (pieces > 0) recordings_.push_back({index, info.frames, pieces_});
    pieces_ += pieces;
  }

  // Appends silence after the end of the recording.
  std::vector<float> read_piece(const Recording& recording, std::int64_t start) const {
    const std::string& path = files_[recording.file];
    SF_INFO info;
    const Sound sound = open_sound(path, info);
    const std::int64_t count = std::min(length_, recording.frames - start);
    std::vector<float> frames(static_cast<std::size_t>(length_ * info.channels));
    if (sf_seek(sound.get(), start, SEEK_SET) != start || sf_readf_float(sound.get(), frames.data(), count) != count) {
      const bool damaged = sf_error(sound.get()) != SF_ERR_NO_ERROR;
      throw file_error(damaged ? ErrorCode::data_corrupt : ErrorCode::data_truncated, path, kNoOffset,
                       fmt::format("the samples from {} on cannot be read", start), sf_strerror(sound.get()),
                       fmt::format("{} samples", count));
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
  bool mu_law_, pad_;
  std::int64_t rate_;
  std::string split_name_;
  loom::NameFields labels_;
  std::vector<Recording> recordings_;  // those with at least one piece
  std::int64_t pieces_ = 0;
  loom::Split split_;
};
LOOM_DATASET(Audio, "audio")

}  // namespace
