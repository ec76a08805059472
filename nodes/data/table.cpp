// Tables as text: CSV, TSV and the like, one item per row, read on demand from the mapped file.
#include "csv_file.h"
#include "files.h"
#include "loom/dataset.h"
#include "row_split.h"
#include "table_choice.h"
#include "table_layout.h"

namespace {

using loom::CsvFile;
using loom::ErrorCode;

class Table final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary(
        "A table as text (CSV, TSV; RFC 4180), one item per row, read on demand. Each column is a column of its own "
        "name: "
        "numbers, or classes where it has texts; the types that were found are shown when the table is opened");
    c.source("RFC 4180");
    c.output("x", "[N, C]", "the columns of numbers, or those that `columns` names");
    c.output("label", "[N]", "the classes of the column that `label` names").dtype(loom::DType::i32);
    c.option(
        "path", loom::required, loom::text(),
        "the file: UTF-8, quoted fields, any ends of lines; blanks around a field without quotes do not count. Of the "
        "file, 8 bytes a row are kept in memory");
    c.option("test", "", loom::text(), "a table with the same columns whose rows are the test split; `path` is train");
    loom::declare_table_choice(c);
    c.option("header", "auto", loom::flag().or_text({"auto"}),
             "whether the first row has the names of the columns, which are 1, 2, ... otherwise; auto: unless it has "
             "numbers "
             "alone");
    c.option("delimiter", "auto", loom::text({"auto", "comma", "semicolon", "tab", "pipe"}),
             "what stands between fields; auto: the most frequent of them in the first row");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many rows is held out for test");
    c.option("holdout_by", "", loom::text(),
             "a column: rows with one value in it are never on both sides of a split, and one of `holdout` of its "
             "values is held out. It is no part of x unless `columns` names it");
    loom::declare_split(
        c,
        "test is every holdout-th row of a pseudo-random order, or the file of the option test. To standardise, "
        "use the option normalize");
  }

  explicit Table(const loom::Options& o)
      : file_(open(o.text("path"), o)), layout_(loom::table_choice(o, file_), file_), split_name_(o.text("split")) {
    const std::string& test = o.text("test");
    if (!test.empty() && split_name_ == "all")
      throw loom::Error(ErrorCode::data_specification, "[table] with the option test, split: all has no order",
                        "use split=train or split=test, or leave out test");
    if (!test.empty() && split_name_ == "test") read_like_train(test, o);
    split_ = loom::RowSplit(test.empty() ? split_name_ : "all", file_.rows(), o.integer("holdout"),
                            groups_of(o.text("holdout_by")));
    for (const auto& [name, value] : o.values())
      if (name != "path" && name != "test" && name != "split") recipe_.add(name + "=" + value.text());
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override { return layout_.columns(); }
  std::map<std::string, loom::OptionValue> settled_options() const override { return layout_.settled_options(); }
  std::vector<std::string> notices() const override {
    std::vector<std::string> notices = layout_.notices();
    notices.insert(notices.end(), file_.notices().begin(), file_.notices().end());
    return notices;
  }
  std::string group(std::int64_t index) const override { return split_.group(index); }
  loom::Origin origin(std::int64_t index) const override { return {file_.path(), split_.item(index) + 1}; }
  std::string hash() const override {
    loom::ContentHash hash = recipe_;
    hash.add(split_name_);
    loom::add_files(hash, file_.path(), {file_.path()});
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    loom::CsvFields fields;
    file_.read(split_.item(index), fields);
    layout_.read(fields, out);
  }

 private:
  static CsvFile open(const std::string& path, const loom::Options& o) {
    const std::string& name = o.text("delimiter");
    const char delimiter = name == "comma"       ? ','
                           : name == "semicolon" ? ';'
                           : name == "tab"       ? '\t'
                           : name == "pipe"      ? '|'
                                                 : '\0';
    const auto header = o.is_text("header") ? CsvFile::Header::automatic
                        : o.flag("header")  ? CsvFile::Header::present
                                            : CsvFile::Header::absent;
    return {path, delimiter, header};
  }

  // The number of each row's value in the column; empty without a column.
  std::vector<std::int64_t> groups_of(const std::string& column) const {
    if (column.empty() || split_name_ == "all") return {};
    const auto place = static_cast<std::size_t>(std::ranges::find(file_.names(), column) - file_.names().begin());
    loom::GroupNumbers groups;
    loom::CsvFields fields;
    for (std::int64_t row = 0; row < file_.rows(); ++row) {
      file_.read(row, fields);
      groups.add(fields[place]);
    }
    return groups.take();
  }

  // The classes and the columns are those of the training file.
  void read_like_train(const std::string& test, const loom::Options& o) {
    loom::Options settled = o;
    for (auto& [name, value] : layout_.settled_options()) {
      if (name != "settled") settled.set(name, value);  // a file of this training must have all columns and classes
    }
    file_ = open(test, o);
    layout_ = loom::TableLayout(loom::table_choice(settled, file_), file_);
  }

  CsvFile file_;
  loom::TableLayout layout_;
  std::string split_name_;
  loom::RowSplit split_;
  loom::ContentHash recipe_;  // of the options
};
LOOM_DATASET(Table, "table")

}  // namespace
