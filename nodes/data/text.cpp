// Text as tokens: one file, or a folder of files, cut into pieces of at most `length` tokens.
#include <algorithm>

#include "files.h"
#include "folder_parts.h"
#include "loom/dataset.h"
#include "recording_split.h"
#include "sound_files.h"
#include "text_pieces.h"
#include "text_tokens.h"

namespace {

using loom::ErrorCode;
using loom::OptionValue;
using loom::TextForm;
using loom::TokenUnit;

class Text final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Text, one file or a folder of .txt files with its subfolders, as bytes, characters or words");
    c.output("x", "[N, length]", "the numbers of the tokens; 0 behind the end of a short piece")
        .dtype(loom::DType::i32);
    c.output("mask", "[N, length]", "1 where a token is, 0 behind the end; where pieces can be short");
    c.output("label", "[N]", "number of the subfolder in alphabetical order, if every file is in one")
        .dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(),
             "the file, or the folder; UTF-8 unless tokens is bytes. Directly in a folder, the folders train, test and "
             "validation (or val) are the splits; without test, validation takes its place");
    c.option("test", "", loom::text(), "a file or folder whose pieces are the test split; `path` is train");
    c.option("tokens", "characters", loom::text({"bytes", "characters", "words"}),
             "what a token is: a byte; a code point of Unicode; what stands between blanks and ends of lines");
    c.option("length", 128, loom::integer().at_least(1).at_most(1 << 24), "length of a piece", "tokens");
    c.option("pieces", "windows", loom::text({"windows", "lines", "files"}),
             "windows: one after the other, without regard to lines; lines, files: each, cut at length; empty ones are "
             "none");
    c.option("tail", "drop", loom::text({"drop", "pad"}),
             "the rest of a file after its last whole window: dropped, or a short piece");
    c.option("vocabulary", std::vector<OptionValue>{}, loom::text().or_list(),
             "the tokens in the order of their numbers (a text: its characters); default: those found in the whole "
             "data, sorted. "
             "A token outside is an error, or <unknown> if that is in the list; not for bytes");
    c.option("max_vocabulary", 0, loom::integer().at_least(0),
             "only this many tokens, the most frequent and <unknown> for the others; 0: all");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many files is held out for test");
    c.option("holdout_by", "file", loom::text({"file", "end"}),
             "file: whole files; end: the last pieces of every file, as always of a single one");
    loom::declare_folder_split(
        c,
        "test is every holdout-th file of a pseudo-random order, and one if there are fewer than holdout; "
        "or those in the folder test; or the text of the option test");
    c.rule({"tokens", "vocabulary"}, "tokens: bytes has all 256 values as its vocabulary", "no vocabulary",
           [](const loom::Options& o) { return o.text("tokens") != "bytes" || given(o).empty(); });
    c.rule({"test", "split"}, "with the option test, split: all has no order", "split: train or test",
           [](const loom::Options& o) { return o.text("test").empty() || o.text("split") != "all"; });
  }

  explicit Text(const loom::Options& options) : root_(options.text("path")), split_name_(options.text("split")) {
    form_.unit = loom::token_unit(options.text("tokens"));
    form_.cut = options.text("pieces") == "lines"   ? TextForm::Cut::lines
                : options.text("pieces") == "files" ? TextForm::Cut::files
                                                    : TextForm::Cut::windows;
    form_.length = options.integer("length");
    form_.pad = options.text("tail") == "pad";
    open();
    choose_vocabulary(options);
    number_labels(nullptr);
    const std::string& test = options.text("test");
    if (!test.empty() && split_name_ == "test") open_test(test);
    require_known();
    make_split(options);
    if (form_.unit != TokenUnit::bytes)
      notices_.push_back(fmt::format("the vocabulary has {} {}", vocabulary_.tokens().size(), options.text("tokens")));
    if (split_.size() == 0)
      throw loom::file_error(ErrorCode::data_empty, root_, loom::kNoOffset, "there is nothing to hold out for test",
                             "one file of one piece", "two files, or two pieces");
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    loom::Column x{"x", loom::DType::i32, {form_.length}, 0, static_cast<double>(vocabulary_.tokens().size()) - 1};
    x.classes = vocabulary_.tokens();
    std::vector<loom::Column> columns = {x};
    if (may_be_short()) columns.push_back({"mask", loom::DType::f32, {form_.length}, 0, 1, loom::ColumnRole::mask});
    if (!labels_.empty()) {
      loom::Column label{
          "label", loom::DType::i32, {}, 0, static_cast<double>(classes_.size()) - 1, loom::ColumnRole::label};
      label.classes = classes_;
      columns.push_back(std::move(label));
    }
    return columns;
  }
  bool has_validation() const override { return parts_.has_validation(); }
  std::vector<std::string> notices() const override { return notices_; }
  std::map<std::string, OptionValue> settled_options() const override {
    if (form_.unit == TokenUnit::bytes) return {};
    return {{"vocabulary", std::vector<OptionValue>(vocabulary_.tokens().begin(), vocabulary_.tokens().end())}};
  }
  loom::Origin origin(std::int64_t index) const override {
    const loom::Piece piece = split_.piece(index);
    return {pieces_.files()[piece.recording], pieces_.piece(piece.recording, piece.number).offset};
  }
  std::int64_t length(std::int64_t index) const override {
    const loom::Piece piece = split_.piece(index);
    return may_be_short() ? pieces_.piece(piece.recording, piece.number).tokens : -1;
  }
  // Called only for reports, since it reads the whole text.
  std::string hash() const override {
    loom::ContentHash hash;
    pieces_.add_to(hash);
    for (const std::string& token : vocabulary_.tokens()) hash.add(token);
    for (const std::int64_t value : {form_.length, static_cast<std::int64_t>(form_.cut), std::int64_t{form_.pad}})
      hash.add(value);
    hash.add(split_name_);
    split_.add_to(hash);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const loom::Piece place = split_.piece(index);
    const loom::TextPiece& piece = pieces_.piece(place.recording, place.number);
    const std::string text = pieces_.read(place.recording, piece);
    const auto x = out[0].values<std::int32_t>();
    std::string_view rest = text;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::string_view token = take_token(rest, form_.unit);
      x[i] = token.empty() ? 0 : static_cast<std::int32_t>(vocabulary_.code(token));
    }
    if (may_be_short()) {
      const auto mask = out[1].values();
      for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = static_cast<std::int64_t>(i) < piece.tokens ? 1.0F : 0.0F;
    }
    if (!labels_.empty()) out[may_be_short() ? 2 : 1].values<std::int32_t>()[0] = labels_[place.recording];
  }

 private:
  bool may_be_short() const { return form_.pad || form_.cut != TextForm::Cut::windows; }

  void open() {
    loom::require_exists(root_);
    std::vector<std::string> files = {root_};
    if (loom::is_folder(root_)) {
      loom::LeftOut left_out;
      files = loom::list_files(root_, {".txt"}, &left_out);
      if (std::string notice = loom::left_out_notice(files.size(), left_out); !notice.empty())
        notices_.push_back(std::move(notice));
    }
    parts_ = loom::FolderParts(root_, nullptr);
    const std::vector<std::string> of_parts = parts_.notices(files, "text");
    notices_.insert(notices_.end(), of_parts.begin(), of_parts.end());
    std::erase_if(files, [&](const std::string& file) { return !parts_.is_in("all", file); });
    pieces_ = loom::TextPieces(root_, std::move(files), form_);
    notices_.insert(notices_.end(), pieces_.notices().begin(), pieces_.notices().end());
  }

  // By the option test, by the folders, or by holding out.
  void make_split(const loom::Options& options) {
    std::vector<std::int64_t> counts = pieces_.counts();
    const bool whole = !options.text("test").empty();
    if (!whole) parts_.require(split_name_);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!whole && !parts_.is_in(split_name_, pieces_.files()[i])) counts[i] = 0;
    }
    const bool divided = whole || parts_.divided();
    split_ = loom::RecordingSplit(divided ? "all" : split_name_, counts, options.integer("holdout"),
                                  options.text("holdout_by") == "end", "text");
    if (!split_.notice().empty()) notices_.push_back(split_.notice());
  }

  // The vocabulary and the classes are those of the training text.
  void open_test(const std::string& test) {
    root_ = test;
    notices_.clear();
    open();
    number_labels(&classes_);
  }

  static std::vector<std::string> given(const loom::Options& options) {
    std::vector<std::string> tokens;
    if (options.is_text("vocabulary")) {
      std::string_view rest = options.text("vocabulary");
      while (!rest.empty()) tokens.emplace_back(take_token(rest, TokenUnit::characters));
    } else {
      for (const OptionValue& token : std::get<std::vector<OptionValue>>(options.values().at("vocabulary")))
        tokens.push_back(token.text());
    }
    return tokens;
  }

  void choose_vocabulary(const loom::Options& options) {
    const std::vector<std::string> tokens = given(options);
    for (const std::string& token : tokens) {
      if (token.empty() || std::ranges::count(tokens, token) > 1)
        throw loom::Error(ErrorCode::data_specification, fmt::format("[text] the option vocabulary has '{}' {}", token,
                                                                     token.empty() ? "as a token" : "twice"));
    }
    const auto most = static_cast<std::size_t>(options.integer("max_vocabulary"));
    vocabulary_ = form_.unit == TokenUnit::bytes ? loom::Vocabulary::of_bytes()
                  : tokens.empty()               ? loom::Vocabulary::of(pieces_.token_counts(), most)
                                                 : loom::Vocabulary(tokens);
  }

  // One diagnostic for each token that the vocabulary lacks, with the first place where it stands.
  void require_known() const {
    loom::Diagnostics problems(20);
    pieces_.token_counts().for_each([&](const std::string& token, std::int64_t count) {
      if (form_.unit == TokenUnit::bytes || vocabulary_.code(token) >= 0) return;
      loom::Diagnostic finding =
          loom::file_error(ErrorCode::data_wrong_format, root_, loom::kNoOffset,
                           fmt::format("the token '{}' is not in the vocabulary", token),
                           fmt::format("{} of it", count), fmt::format("one of {} tokens", vocabulary_.tokens().size()))
              .diagnostics()
              .front();
      finding.hint = "a vocabulary with <unknown> reads such tokens as that one";
      problems.add(loom::Error(std::move(finding)));
    });
    problems.throw_if_any();
  }

  // The first folder below the root on the way to each file: the classes, unless those of `train` are given.
  void number_labels(const std::vector<std::string>* train) {
    std::vector<std::string> names;
    for (const std::string& file : pieces_.files()) names.push_back(parts_.class_name(file));
    labels_.clear();
    if (train == nullptr && std::ranges::count(names, "") == 0) {
      classes_ = names;
      std::ranges::sort(classes_);
      classes_.erase(std::unique(classes_.begin(), classes_.end()), classes_.end());
    }
    for (const std::string& name : names) {
      if (classes_.empty()) return;
      const auto found = std::ranges::find(classes_, name);
      if (found == classes_.end())
        throw loom::file_error(ErrorCode::data_wrong_format, root_, loom::kNoOffset,
                               "a file of test is in none of the folders that are the classes of train",
                               name.empty() ? "in no folder" : name, "one of " + loom::joined(classes_));
      labels_.push_back(static_cast<std::int32_t>(found - classes_.begin()));
    }
  }

  std::string root_;
  TextForm form_;
  std::string split_name_;
  loom::FolderParts parts_;
  loom::TextPieces pieces_;
  loom::Vocabulary vocabulary_;
  std::vector<std::string> classes_;
  std::vector<std::int32_t> labels_;  // of the files; empty: there is no such column
  loom::RecordingSplit split_;
  std::vector<std::string> notices_;
};
LOOM_DATASET(Text, "text")

}  // namespace
