#include "table_choice.h"

#include <algorithm>
#include <utility>

namespace loom {
namespace {

std::vector<std::string> fields_of(const std::string& row, const char* option) {
  CsvFields fields;
  if (fields.parse(row, ',') != CsvFields::kGood)
    throw Error(ErrorCode::data_specification,
                fmt::format("[table] the option '{}': a quote stands where none may be in '{}'", option, row),
                "a name with a comma stands in quotes, in which \"\" is one quote");
  std::vector<std::string> items;
  for (std::size_t i = 0; i < fields.size(); ++i) items.emplace_back(fields[i]);
  return items;
}

// A list as it is; a text is the name of one column, or several names with commas between them.
std::vector<std::string> names_of(const Options& options, const char* option, const std::vector<std::string>& known) {
  if (options.is_text(option)) {
    const std::string& text = options.text(option);
    return std::ranges::find(known, text) != known.end() ? std::vector<std::string>{text} : fields_of(text, option);
  }
  std::vector<std::string> names;
  for (const OptionValue& item : std::get<std::vector<OptionValue>>(options.values().at(option)))
    names.push_back(item.text());
  return names;
}

// Rows "name,item,item": a list has one each; in a text ; stands between them.
std::vector<NamedList> lists_of(const Options& options, const char* option) {
  std::vector<std::string> rows;
  if (options.is_text(option)) {
    std::string row;
    bool quoted = false;
    for (const char c : options.text(option)) {
      quoted ^= c == '"';
      if (c == ';' && !quoted)
        rows.push_back(std::exchange(row, ""));
      else
        row += c;
    }
    rows.push_back(row);
  } else {
    rows = names_of(options, option, {});
  }
  std::vector<NamedList> lists;
  for (const std::string& row : rows) {
    std::vector<std::string> fields = fields_of(row, option);
    if (fields.empty()) continue;
    if (fields.size() < 2 || fields.front().empty())
      throw Error(ErrorCode::data_specification, fmt::format("[table] the option '{}': '{}' has no items", option, row),
                  "a name, then what belongs to it, with commas between them: name,item,item");
    NamedList list{fields.front(), {fields.begin() + 1, fields.end()}};
    lists.push_back(std::move(list));
  }
  return lists;
}

class Checks {
 public:
  explicit Checks(const CsvFile& file) : file_(file) {}

  void column(const std::string& name, const char* option) {
    const std::vector<std::string>& names = file_.names();
    if (std::ranges::find(names, name) != names.end()) return;
    Diagnostic finding = file_.problem(
        -1, 0, fmt::format("the table has no column '{}', which the option {} names", name, option),
        fmt::format(
            "the columns {}",
            joined(std::vector<std::string>(
                names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(names.size(), 20))))),
        "a name in the header");
    finding.code = ErrorCode::data_not_found;
    finding.suggestion = nearest_name(name, names);
    problems_.add(Error(std::move(finding)));
  }
  void columns(const std::vector<std::string>& names, const char* option) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      column(names[i], option);
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
          names.begin() + static_cast<std::ptrdiff_t>(i))
        contradiction(fmt::format("the option {} names the column '{}' twice", option, names[i]));
    }
  }
  void contradiction(const std::string& message) {
    problems_.add(Error(ErrorCode::data_specification, "[table] " + message));
  }
  void throw_if_any() const { problems_.throw_if_any(); }

 private:
  const CsvFile& file_;
  Diagnostics problems_{20};
};

// Of the options of a run, those about columns that this table has.
void keep_present(TableChoice& choice, const CsvFile& file) {
  choice.settled = true;
  const auto absent = [&](const std::string& name) { return !contains(file.names(), name); };
  std::erase_if(choice.exclude, absent);
  std::erase_if(choice.categorical, absent);
  std::erase_if(choice.categories, [&](const NamedList& column) { return absent(column.name); });
  std::erase_if(choice.groups, [&](const NamedList& group) { return std::ranges::any_of(group.items, absent); });
  if (absent(choice.label)) choice.label = "";
}

void check(const TableChoice& choice, const CsvFile& file, bool whole) {
  Checks checks(file);
  if (!choice.holdout_by.empty() && !whole) checks.column(choice.holdout_by, "holdout_by");
  checks.columns(choice.columns, "columns");
  checks.columns(choice.exclude, "exclude");
  checks.columns(choice.categorical, "categorical");
  if (!choice.label.empty()) checks.column(choice.label, "label");
  for (const NamedList& group : choice.groups) checks.columns(group.items, "groups");
  for (const NamedList& column : choice.categories) {
    checks.column(column.name, "categories");
    for (std::size_t i = 0; i < column.items.size(); ++i)
      if (std::ranges::count(column.items, column.items[i]) > 1 &&
          std::ranges::find(column.items, column.items[i]) - column.items.begin() == static_cast<std::ptrdiff_t>(i))
        checks.contradiction(
            fmt::format("the option categories has '{}' twice for '{}'", column.items[i], column.name));
  }
  const auto both = [&](const std::string& name, const char* one, const char* other) {
    checks.contradiction(fmt::format("the column '{}' is in {} and in {}", name, one, other));
  };
  for (const std::string& name : choice.exclude) {
    if (contains(choice.columns, name)) both(name, "exclude", "columns");
    if (name == choice.label) both(name, "exclude", "label");
    for (const NamedList& group : choice.groups)
      if (contains(group.items, name)) both(name, "exclude", "groups");
  }
  if (contains(choice.columns, choice.label)) both(choice.label, "columns", "label");
  checks.throw_if_any();
}

}  // namespace

void declare_table_choice(Contract& c) {
  const auto names = [&](const char* name, const std::string& doc) {
    c.option(name, std::vector<OptionValue>{}, text().or_list(), doc);
  };
  names("columns",
        "the columns of x, in this order: a list, or a text with commas between the names; default: every column of "
        "numbers, without the label");
  names("exclude", "columns that are left out");
  c.option("label", "", text(),
           "the column of classes that becomes `label`; default: one named label, if there is one of at most "
           "max_classes values");
  names("groups",
        "further columns of several numbers, as x is: a list of rows \"body,height,weight\", the name first; in a "
        "text, ; stands between them");
  names("categorical", "columns of numbers that are classes; columns of texts always are");
  names("categories",
        "the classes of columns in their order: a list of rows \"colour,blue,red\"; another value is an error; "
        "default: those "
        "found, in alphabetical order, numbers by size");
  c.option(
      "settled", false, flag(),
      "the other options are those of a run, which says so itself: only the columns of x must be there and complete. "
      "Others that are missing, or have missing values, are left out, and their new classes are an error only where "
      "a graph reads them");
  c.option("one_hot", false, flag(), "x also has columns of classes: a feature \"colour=red\" for each class, 1 or 0");
  c.option("max_classes", 1000, integer().at_least(2).at_most(100000),
           "a column of more different texts, or of another text in each of more than 10 rows, is left out unless an "
           "option names it");
  declare_missing(c);
  c.option("missing_words", std::vector<OptionValue>{"NA", "NaN", "nan", "null", "?"}, text().or_list(),
           "words that stand for a missing value, as an empty field always does");
}

TableChoice table_choice(const Options& options, const CsvFile& file) {
  TableChoice choice;
  choice.columns = names_of(options, "columns", file.names());
  choice.exclude = names_of(options, "exclude", file.names());
  choice.categorical = names_of(options, "categorical", file.names());
  choice.label = options.text("label");
  choice.holdout_by = options.text("holdout_by");
  choice.groups = lists_of(options, "groups");
  choice.categories = lists_of(options, "categories");
  choice.one_hot = options.flag("one_hot");
  choice.missing_is_error = options.text("missing") == "error";
  choice.max_classes = static_cast<std::size_t>(options.integer("max_classes"));
  for (const std::string& word : names_of(options, "missing_words", {})) choice.words.insert(word);
  if (options.flag("settled")) keep_present(choice, file);
  if (choice.label.empty() && contains(file.names(), "label") && !contains(choice.columns, "label") &&
      !contains(choice.exclude, "label")) {
    choice.label = "label";
    choice.label_by_name = true;
  }
  check(choice, file, options.text("split") == "all");
  return choice;
}

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (const std::string& field : fields) {
    if (!row.empty()) row += ',';
    const bool quotes = field.empty() || field.find_first_of(",\"\r\n") != std::string::npos || field.front() == ' ' ||
                        field.back() == ' ' || field.front() == '\t' || field.back() == '\t';
    if (!quotes) {
      row += field;
      continue;
    }
    row += '"';
    for (const char c : field) row += c == '"' ? std::string("\"\"") : std::string(1, c);
    row += '"';
  }
  return row;
}

}  // namespace loom
