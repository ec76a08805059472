// Tables of numbers as text: CSV, TSV and the like, one item per row.
//   x [N, features] = (value - mean) / standard deviation of each chosen column over the rows of train, or the value
//   label [N] i32   = the values of another column: integers as they are, texts numbered in their order
// The file is read in place, so a table may be larger than memory: 8 bytes per row are kept (text_table.h). Opening it
// reads it once or twice: every number is checked, and every invalid field is reported with file:line:column.
#include <fmt/format.h>
#include <loom/node.h>

#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include <loom/dataset.h>
#include "split.h"
#include "text_table.h"

namespace {

using loom::Diagnostics;
using loom::ErrorCode;
using table::Field;
using table::TextTable;

constexpr std::size_t kMostProblems = 20;

// The whole text is one finite number.
std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int32_t> integer_in(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

char delimiter_of(const std::string& name) {
  return name == "comma" ? ',' : name == "semicolon" ? ';' : name == "tab" ? '\t' : name == "pipe" ? '|' : '\0';
}

class Table final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Tables of numbers as text (CSV, TSV), one item per row, read on demand");
    c.output("x", "[N, C]", "the chosen columns, standardised if requested");
    c.output("label", "[N]", "the label column, if the option names one").dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(), "the file");
    c.option("columns", std::vector<loom::OptionValue>{}, loom::text().or_list(),
             "names of the columns of x, in this order; default: all columns except the label");
    c.option("label", "", loom::text(), "name of a column of integers, or of texts, which are numbered in their order");
    c.option("header", true, loom::flag(), "the first line has the names; false: they are 1, 2, ...");
    c.option("delimiter", "auto", loom::text({"auto", "comma", "semicolon", "tab", "pipe"}),
             "the delimiter between fields; auto: the most frequent one in the first line");
    c.option("standardize", true, loom::flag(), "x has mean 0 and standard deviation 1 over train, column by column");
    c.option("missing", "error", loom::text({"error", "mean"}), "an empty field is an error, or the column's mean");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many rows is held out for test");
    c.option("split", "train", loom::text({"train", "test", "all"}),
             "which rows: one of every `holdout` rows, at a pseudo-random position, belongs to test");
  }

  explicit Table(const loom::Options& o)
      : text_(o.text("path"), delimiter_of(o.text("delimiter")), o.flag("header")),
        missing_is_mean_(o.text("missing") == "mean"),
        split_(o.text("split"), text_.rows(), o.integer("holdout")) {
    choose_columns(o);
    read_all(o.flag("standardize"), table::Split("train", text_.rows(), o.integer("holdout")));
    for (const auto& [name, value] : o.values())
      if (name != "path") recipe_.add(name + "=" + value.text());
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns = {{"x", loom::DType::f32, {static_cast<std::int64_t>(features_)}}};
    if (has_label_) columns.push_back({"label", loom::DType::i32, {}});
    return columns;
  }
  // Called only for reports, since it reads the whole file.
  std::string hash() const override {
    loom::ContentHash hash = recipe_;
    hash.add(text_.bytes());
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const auto x = out[0].values();
    text_.for_fields(split_.item(index), [&](std::size_t column, const Field& field) {
      if (const int place = place_of_[column]; place >= 0) {
        const auto at = static_cast<std::size_t>(place);
        const double value = field.text.empty() ? mean_[at] : *number_in(field.text);
        x[at] = static_cast<float>((value - shift_[at]) * factor_[at]);
      } else if (place == kLabel) {
        out[1].values<std::int32_t>()[0] = label_in(field.text);
      }
      return column < last_;
    });
  }

 private:
  static constexpr int kUnused = -1, kLabel = -2;

  std::size_t column_named(const std::string& name) const {
    const auto& names = text_.names();
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    loom::Diagnostic finding =
        text_.problem(1, 1, fmt::format("the table has no column '{}'", name), name, "one of " + loom::joined(names));
    finding.code = ErrorCode::data_not_found;
    finding.suggestion = loom::nearest_name(name, names);
    throw loom::Error(std::move(finding));
  }

  void choose_columns(const loom::Options& o) {
    place_of_.assign(text_.names().size(), kUnused);
    const std::string& label = o.text("label");
    has_label_ = !label.empty();
    if (has_label_) place_of_[column_named(label)] = kLabel;
    std::vector<std::string> chosen = names_in(o);
    if (chosen.empty())
      std::ranges::copy_if(text_.names(), std::back_inserter(chosen), [&](auto& n) { return n != label; });
    for (const std::string& name : chosen) {
      int& place = place_of_[column_named(name)];
      if (place != kUnused)
        throw loom::Error(ErrorCode::data_specification, fmt::format("the column '{}' is requested twice", name));
      place = static_cast<int>(features_++);
    }
    if (features_ == 0)
      throw loom::Error(text_.problem(1, 1, "no column is left for x", "the label alone", "more columns"));
    for (std::size_t column = 0; column < place_of_.size(); ++column)
      if (place_of_[column] != kUnused) last_ = column;
  }
  static std::vector<std::string> names_in(const loom::Options& o) {
    const loom::OptionValue& value = o.values().at("columns");
    if (const auto* one = std::get_if<std::string>(&value)) return {*one};
    std::vector<std::string> names;
    for (const loom::OptionValue& item : std::get<std::vector<loom::OptionValue>>(value))
      names.push_back(std::get<std::string>(item));
    return names;
  }

  // Checks every field that is read, and computes the moments over the rows of train (Welford).
  void read_all(bool standardize, const table::Split& train) {
    Diagnostics problems(kMostProblems);
    std::vector<double> count(features_), squares(features_);
    mean_.assign(features_, 0);
    std::map<std::string, std::int32_t, std::less<>> texts;
    bool integers = true;
    const auto visit = [&](std::int64_t row, bool counts) {
      text_.for_fields(row, [&](std::size_t column, const Field& field) {
        const int place = place_of_[column];
        if (place == kLabel) {
          integers = integers && integer_in(field.text).has_value();
          if (field.text.empty()) report(problems, row, column, field, "a label");
          if (texts.size() < kMostTexts) texts.emplace(field.text, 0);
        } else if (place >= 0) {
          const auto value = number_in(field.text);
          if (!value && !(field.text.empty() && missing_is_mean_)) report(problems, row, column, field, "a number");
          if (value && counts) add(static_cast<std::size_t>(place), *value, count, squares);
        }
        return column < last_;
      });
    };
    for (std::int64_t row = 0; row < text_.rows(); ++row) visit(row, train.holds(row));
    problems.throw_if_any();
    number_texts(integers, texts);
    standardise(standardize, count, squares);
  }
  static constexpr std::size_t kMostTexts = 100000;

  void report(Diagnostics& problems, std::int64_t row, std::size_t column, const Field& field,
              const char* wanted) const {
    loom::Diagnostic finding = text_.problem(text_.line_of(row), field.column,
                                             fmt::format("the field of column '{}' is {}", text_.names()[column],
                                                         field.text.empty() ? "empty" : "no number"),
                                             fmt::format("'{}'", field.text.substr(0, 40)), wanted);
    if (field.text.empty())
      finding.hint = "`missing: mean` uses the column's mean";
    else if (field.text.find(',') != std::string_view::npos)
      finding.hint = "numbers are read with a decimal point";
    problems.add(loom::Error(std::move(finding)));
  }

  void add(std::size_t feature, double value, std::vector<double>& count, std::vector<double>& squares) {
    const double step = value - mean_[feature];
    mean_[feature] += step / ++count[feature];
    squares[feature] += step * (value - mean_[feature]);
  }

  void number_texts(bool integers, std::map<std::string, std::int32_t, std::less<>>& texts) {
    if (!has_label_ || integers) return;
    if (texts.size() >= kMostTexts)
      throw loom::Error(text_.problem(1, 1, "the label column has too many different texts",
                                      fmt::format("{} or more", kMostTexts), "fewer"));
    std::int32_t next = 0;
    for (auto& [text, code] : texts) code = next++;
    texts_ = std::move(texts);
  }
  std::int32_t label_in(std::string_view text) const {
    return texts_.empty() ? *integer_in(text) : texts_.find(text)->second;
  }

  // A column that is constant over train keeps its scale.
  void standardise(bool wanted, const std::vector<double>& count, const std::vector<double>& squares) {
    shift_.assign(features_, 0);
    factor_.assign(features_, 1);
    for (std::size_t i = 0; wanted && i < features_; ++i) {
      const double deviation = count[i] > 0 ? std::sqrt(squares[i] / count[i]) : 0;
      shift_[i] = mean_[i];
      if (deviation > 0) factor_[i] = 1 / deviation;
    }
  }

  TextTable text_;
  bool missing_is_mean_, has_label_ = false;
  table::Split split_;
  std::size_t features_ = 0, last_ = 0;  // last_: the rightmost column that is read
  std::vector<int> place_of_;            // per column: its index in x, kLabel or kUnused
  std::vector<double> mean_, shift_, factor_;
  std::map<std::string, std::int32_t, std::less<>> texts_;  // empty if labels are integers
  loom::ContentHash recipe_;                                // hash of the options
};

}  // namespace

LOOM_DATASET(Table, "table")
