// A folder of recordings, cut into pieces of equal length and read on demand.
#include <algorithm>
#include <cstring>

#include "files.h"
#include "loom/dataset.h"
#include "math/mu_law.h"
#include "name_fields.h"
#include "recording_split.h"
#include "sound_files.h"
#include "sound_headers.h"
#include "sound_resample.h"

namespace {

using loom::counted;
using loom::ErrorCode;
using loom::file_error;
using loom::kNoOffset;

struct Recording {
  std::size_t file;  // number in the list of files
  loom::SoundHeader header;
  std::int64_t frames = 0;  // at the rate of the data
};

class Audio final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary(
        "A folder of recordings with its subfolders (WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, W64, RF64), cut into "
        "pieces of equal length");
    c.source("mu-law: ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2");
    c.output("x", "[N, length, channels]",
             "waveform: f32, samples of b bits / 2^(b - 1); mu_law: i32 in 0 ... 255, [N, length] if channels is 1");
    c.output("label", "[N]", "number of the subfolder in alphabetical order, if every recording is in one")
        .dtype(loom::DType::i32);
    c.output("mask", "[N, length, channels]",
             "with tail: pad: 1 for samples of the recording, 0 for padding; of the shape of x");
    c.option(
        "path", loom::required, loom::text(),
        "the folder, an archive of one (.tar, .zip; compressed ones are decoded into memory), or "
        "one file. Directly in it, the folders train, test and validation (or val) are the splits; without "
        "test, validation takes its place. Long MP3 files are slow: they are decoded from their start for every piece");
    c.option("length", 16384, loom::integer().at_least(1).at_most(1 << 26), "length of a piece", "samples");
    c.option("tail", "drop", loom::text({"drop", "pad"}),
             "the rest of a recording: dropped, or padded with silence, which a column mask marks");
    c.option("channels", 1, loom::integer().at_least(1).at_most(64),
             "1: several channels are averaged, if mix allows it; n: every file must have n");
    c.option(
        "mix", true, loom::flag(),
        "whether files of several channels are averaged where channels is 1; false: an error. A run that was trained "
        "on mono files alone does not average later ones");
    c.option("names", "", loom::text(), "labels in the names of the files, as {digit}_{speaker}_{take}: i32 columns");
    c.option("representation", "waveform", loom::text({"waveform", "mu_law"}), "of x");
    c.option("rate", 0, loom::integer().at_least(0), "sample rate that every file must have; 0: that of the first file",
             "Hz");
    c.option("resample", false, loom::flag(), "whether files of other rates are converted to rate; else an error");
    c.option("unreadable", "error", loom::text({"error", "skip"}), "files that cannot be read: an error, or left out");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many recordings is held out for test");
    c.option("holdout_by", "file", loom::text({"file", "time"}),
             "file: whole recordings; time: the last pieces of every recording, as always of a single one");
    loom::declare_archive(c);
    loom::declare_folder_split(
        c,
        "test is every holdout-th recording of a pseudo-random order, and one if there are fewer than "
        "holdout, or those in the folder test");
  }

  explicit Audio(const loom::Options& options)
      : folder_(options.text("path")),
        length_(options.integer("length")),
        channels_(options.integer("channels")),
        mu_law_(options.text("representation") == "mu_law"),
        pad_(options.text("tail") == "pad"),
        mix_(options.flag("mix")),
        resample_(options.flag("resample")),
        rate_(options.integer("rate")),
        split_name_(options.text("split")) {
    loom::SoundFiles found = loom::find_sounds(folder_, options.integer("max_bytes"));
    files_ = std::move(found.paths);
    archive_ = std::move(found.archive);
    add_notice(found.left_out);
    parts_ = std::move(found.parts);
    parts_.require(split_name_);
    for (const std::string& notice : parts_.notices(files_, "recording")) add_notice(notice);
    std::erase_if(files_, [&](const std::string& file) { return !parts_.is_in("all", file); });
    if (!options.text("names").empty()) fields_ = loom::NameFields(options.text("names"), files_);
    if ((archive_ || loom::is_folder(folder_)) && !fields_.has("label")) labels_ = folder_labels();
    const loom::SoundHeaders headers = loom::read_sound_headers(files_, options.text("unreadable") == "skip", archive_);
    add_notice(headers.skipped);
    require_alike(headers);
    make_split(add_recordings(headers), options.integer("holdout"), options.text("holdout_by") == "time");
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns = fields_.columns();
    loom::Shape event{length_};
    if (!mu_law_ || channels_ > 1) event.push_back(channels_);
    loom::Column x{"x", mu_law_ ? loom::DType::i32 : loom::DType::f32, event};
    if (mu_law_) x.minimum = 0, x.maximum = 255;
    columns.insert(columns.begin(), std::move(x));
    if (!labels_.empty()) columns.push_back(labels_.column());
    if (pad_) columns.push_back({"mask", loom::DType::f32, event, 0, 1, loom::ColumnRole::mask});
    return columns;
  }
  std::int64_t length(std::int64_t index) const override { return pad_ ? frames_of(split_.piece(index)) : -1; }
  std::int64_t sample_rate() const override { return rate_; }
  loom::Origin origin(std::int64_t index) const override {
    const loom::Piece piece = split_.piece(index);
    return {files_[recordings_[piece.recording].file], piece.number * length_};
  }
  std::map<std::string, loom::OptionValue> settled_options() const override {
    return {{"rate", rate_}, {"mix", mixed_}};
  }
  bool has_validation() const override { return parts_.has_validation(); }
  std::vector<std::string> notices() const override { return notices_; }
  std::string hash() const override {
    loom::ContentHash hash;
    if (archive_)
      archive_->add_to(hash);
    else
      loom::add_files(hash, folder_, files_);
    for (std::int64_t value : {length_, split_.size(), std::int64_t{mu_law_}, std::int64_t{pad_}, channels_, rate_})
      hash.add(value);
    hash.add(split_name_);
    split_.add_to(hash);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const loom::Piece piece = split_.piece(index);
    const Recording& recording = recordings_[piece.recording];
    for (std::size_t k = 0; k < fields_.count(); ++k)
      out[k + 1].data<std::int32_t>()[0] = fields_.code(recording.file, k);
    if (!labels_.empty()) out[fields_.count() + 1].data<std::int32_t>()[0] = labels_.numbers[recording.file];
    if (pad_) {
      float* mask = out.back().data();
      const std::int64_t there = frames_of(piece) * channels_;
      std::fill(std::fill_n(mask, there, 1.0F), mask + length_ * channels_, 0.0F);
    }
    const std::vector<float> samples = read_piece(recording, piece.number * length_);
    if (!mu_law_)
      std::ranges::copy(samples, out[0].data());
    else
      std::ranges::transform(samples, out[0].data<std::int32_t>(),
                             [law = loom::MuLaw()](float x) { return law.encode(x); });
  }

 private:
  // The class of each file by the first subfolder that it is in; empty if a file is in none.
  loom::Classes folder_labels() const {
    std::vector<std::string> classes;
    for (const std::string& file : files_) classes.push_back(parts_.class_name(file));
    return loom::numbered(classes);
  }

  void add_notice(const std::string& notice) {
    if (!notice.empty()) notices_.push_back(notice);
  }

  // All files have the same rate and the wanted channels.
  void require_alike(const loom::SoundHeaders& headers) {
    loom::Diagnostics diagnostics(20);
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (!headers.files[i]) continue;
      const loom::SoundHeader& header = *headers.files[i];
      if (rate_ == 0) rate_ = header.rate;
      if (header.rate != rate_ && !resample_) {
        add(diagnostics, files_[i], "the recordings have different rates", fmt::format("{} Hz", header.rate),
            fmt::format("{} Hz", rate_), "resample: true converts them to one rate, that of the option rate");
      }
      mixed_ = mixed_ || header.channels > channels_;
      if (header.channels != channels_ && (channels_ > 1 || !mix_)) {
        add(diagnostics, files_[i], "the recording has another number of channels",
            counted(static_cast<std::size_t>(header.channels), "channel"),
            counted(static_cast<std::size_t>(channels_), "channel"),
            channels_ > 1 ? "channels: 1 averages the channels of every file" : "mix: true averages them");
      }
    }
    diagnostics.throw_if_any();
  }
  static void add(loom::Diagnostics& diagnostics, const std::string& file, const std::string& message,
                  const std::string& got, const std::string& expected, const std::string& hint) {
    loom::Diagnostic finding =
        file_error(ErrorCode::data_shape, file, kNoOffset, message, got, expected).diagnostics().front();
    finding.hint = hint;
    diagnostics.add(loom::Error(std::move(finding)));
  }

  std::int64_t pieces_of(std::int64_t frames) const {
    return frames / length_ + (pad_ && frames % length_ > 0 ? 1 : 0);
  }

  // The number of pieces of each recording that has one.
  std::vector<std::int64_t> add_recordings(const loom::SoundHeaders& headers) {
    std::vector<std::int64_t> pieces;
    std::size_t readable = 0;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (!headers.files[i] || !parts_.is_in(split_name_, files_[i])) continue;
      ++readable;
      const loom::SoundHeader& header = *headers.files[i];
      const std::int64_t frames =
          header.rate == rate_ ? header.frames : loom::RateChange(header.rate, rate_, 1).length(header.frames);
      if (pieces_of(frames) == 0) continue;
      pieces.push_back(pieces_of(frames));
      recordings_.push_back({i, header, frames});
    }
    if (pieces.empty()) {
      throw file_error(ErrorCode::data_empty, folder_, kNoOffset, "every recording is shorter than a piece",
                       counted(files_.size(), "file"), fmt::format("{} samples", length_));
    }
    if (const std::size_t without = readable - pieces.size(); without > 0) {
      const bool one = without == 1;
      add_notice(pad_ ? fmt::format("{} of {} {} no samples and {} left out", without, counted(readable, "recording"),
                                    one ? "has" : "have", one ? "was" : "were")
                      : fmt::format("{} of {} {} shorter than a piece of {} samples and {} left out; tail: pad keeps "
                                    "{}",
                                    without, counted(readable, "recording"), one ? "is" : "are", length_,
                                    one ? "was" : "were", one ? "it" : "them"));
    }
    return pieces;
  }

  void make_split(const std::vector<std::int64_t>& pieces, std::int64_t holdout, bool by_time) {
    split_ = loom::RecordingSplit(parts_.divided() ? "all" : split_name_, pieces, holdout, by_time);
    add_notice(split_.notice());
    if (split_.size() > 0) return;
    loom::Diagnostic finding =
        file_error(ErrorCode::data_empty, folder_, kNoOffset, "there is nothing to hold out for test",
                   fmt::format("{} of one piece of {} samples", counted(pieces.size(), "recording"), length_),
                   by_time ? "a recording of two pieces" : "two recordings, or one of two pieces")
            .diagnostics()
            .front();
    finding.hint = by_time ? "holdout_by: file holds out whole recordings" : "a smaller length makes more pieces";
    throw loom::Error(std::move(finding));
  }

  // Of a piece: those of the recording, without the padding.
  std::int64_t frames_of(const loom::Piece& piece) const {
    return std::min(length_, recordings_[piece.recording].frames - piece.number * length_);
  }

  // Appends silence after the end of the recording.
  std::vector<float> read_piece(const Recording& recording, std::int64_t start) const {
    const std::string& path = files_[recording.file];
    const loom::SoundHeader& header = recording.header;
    const loom::FrameReader source = [&](std::int64_t first, std::int64_t count) {
      std::vector<float> frames = loom::read_frames(path, header, first, count, loom::bytes_in(archive_, path));
      return channels_ > 1 ? frames : mean_of_channels(std::move(frames), header.channels);
    };
    const std::int64_t count = std::min(length_, recording.frames - start);
    std::vector<float> samples =
        header.rate == rate_
            ? source(start, count)
            : loom::RateChange(header.rate, rate_, channels_).read(source, header.frames, start, count);
    samples.resize(static_cast<std::size_t>(length_ * channels_), 0.0F);
    return samples;
  }

  static std::vector<float> mean_of_channels(std::vector<float> frames, std::int64_t channels) {
    if (channels == 1) return frames;
    const auto width = static_cast<std::size_t>(channels);
    std::vector<float> mean(frames.size() / width, 0.0F);
    for (std::size_t i = 0; i < frames.size(); ++i) mean[i / width] += frames[i] / static_cast<float>(channels);
    return mean;
  }

  std::string folder_;
  std::vector<std::string> files_;
  loom::FolderParts parts_;
  std::shared_ptr<const loom::Archive> archive_;  // null: the files are on the disk
  std::int64_t length_, channels_;
  bool mu_law_, pad_, mix_, resample_, mixed_ = false;
  std::int64_t rate_;
  std::string split_name_;
  loom::NameFields fields_;
  loom::Classes labels_;               // of the files; empty: there is no such column
  std::vector<Recording> recordings_;  // those with at least one piece
  loom::RecordingSplit split_;
  std::vector<std::string> notices_;
};
LOOM_DATASET(Audio, "audio")

}  // namespace
