#include "table_layout.h"

#include <algorithm>
#include <limits>

#include "utf8.h"

namespace loom {
namespace {

constexpr std::size_t kMostClasses = 100000;
constexpr std::int64_t kFewRows = 10;  // where texts may all differ and still be classes

const NamedList* find_list(const std::vector<NamedList>& lists, const std::string& name) {
  const auto found = std::ranges::find(lists, name, &NamedList::name);
  return found == lists.end() ? nullptr : &*found;
}

// Numbers by size, before texts in alphabetical order.
bool class_order(const std::string& a, const std::string& b) {
  double x = 0, y = 0;
  const bool a_is = is_number(a, x), b_is = is_number(b, y);
  if (a_is != b_is) return a_is;
  return a_is && x != y ? x < y : a < b;
}

bool is_mostly_numbers(const ColumnSurvey& found) {
  return found.numbers + found.almost > found.texts.count - found.almost;
}

// "height [mm]" is in mm.
std::string unit_in(const std::string& name) {
  const std::size_t open = name.rfind('[');
  return open == std::string::npos || !name.ends_with(']') ? "" : name.substr(open + 1, name.size() - open - 2);
}

}  // namespace

TableLayout::TableLayout(const TableChoice& choice, const CsvFile& file)
    : choice_(choice), file_names_(file.names()), sources_(file.names().size()) {
  const std::vector<ColumnSurvey> found = survey(file);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    choose_kind(i, found[i], file.rows());
    leave_out_unused(i, found[i]);
  }
  if (choice_.label_by_name && sources_[index_of(choice_.label)].kind != Kind::classes) choice_.label.clear();
  report(file, found);
  make_outputs(file);
  describe(found);
}

std::size_t TableLayout::index_of(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::find(file_names_, name) - file_names_.begin());
}

// Whether an option asks for the column.
bool TableLayout::is_named(const std::string& name) const {
  return name == choice_.label || contains(choice_.columns, name) || contains(choice_.categorical, name) ||
         find_list(choice_.categories, name) != nullptr ||
         std::ranges::any_of(choice_.groups, [&](const NamedList& group) { return contains(group.items, name); });
}

// A column of more texts than numbers is read a second time, since its numbers are classes too.
std::vector<ColumnSurvey> TableLayout::survey(const CsvFile& file) const {
  std::vector<std::size_t> most;
  std::vector<bool> numbered;
  for (std::size_t i = 0; i < file_names_.size(); ++i) {
    const std::string& name = file_names_[i];
    most.push_back(is_named(name) && !(is_label(i) && choice_.label_by_name) ? kMostClasses : choice_.max_classes);
    numbered.push_back(is_label(i) || contains(choice_.categorical, name) ||
                       find_list(choice_.categories, name) != nullptr);
  }
  std::vector<ColumnSurvey> found = survey_columns(file, choice_.words, most, numbered);
  bool again = false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (numbered[i] || found[i].numbers == 0 || is_mostly_numbers(found[i])) continue;
    numbered[i] = again = true;
  }
  return again ? survey_columns(file, choice_.words, most, numbered) : found;
}

void TableLayout::choose_kind(std::size_t i, const ColumnSurvey& found, std::int64_t rows) {
  Source& source = sources_[i];
  const std::string& name = file_names_[i];
  const auto leave_out = [&](std::string reason) { source.reason = std::move(reason); };
  const bool free_label = is_label(i) && choice_.label_by_name && (found.too_many || found.fractions > 0);
  if (contains(choice_.exclude, name)) return leave_out("excluded");
  if (name == choice_.holdout_by && !is_named(name)) return leave_out("it decides what is held out, left out");
  if (contains(choice_.categorical, name) || find_list(choice_.categories, name) != nullptr ||
      (is_label(i) && !free_label))
    return choose_classes(source, found);
  if (found.numbers == 0 && found.texts.count == 0) return leave_out("no values, left out");
  if (is_mostly_numbers(found)) {
    source.kind = Kind::number;
    return;
  }
  const bool all_differ = rows > kFewRows && static_cast<std::int64_t>(found.values.size()) == rows;
  if (!is_named(name) && (found.too_many || all_differ))
    return leave_out(found.too_many ? fmt::format("more than {} different texts, left out", found.values.size())
                                    : fmt::format("{} different texts, left out", found.values.size()));
  choose_classes(source, found);
}

// Where the columns of x are named, a column that no option names need not be complete; in a table that is read as that of
// a run, no other column need be.
void TableLayout::leave_out_unused(std::size_t i, const ColumnSurvey& found) {
  Source& source = sources_[i];
  const bool needed = choice_.settled ? contains(choice_.columns, file_names_[i]) : is_named(file_names_[i]);
  if ((choice_.columns.empty() && !choice_.settled) || source.kind == Kind::left_out || needed) return;
  const std::int64_t texts = source.kind == Kind::number ? found.texts.count : 0;
  const std::int64_t missing = choice_.missing_is_error ? found.missing.count : 0;
  if (texts + missing == 0) return;
  source = {};
  source.reason = missing > 0 ? fmt::format("{} of its values are missing, and no option names it, left out", missing)
                              : fmt::format("numbers and {} texts, and no option names it, left out", texts);
}

void TableLayout::choose_classes(Source& source, const ColumnSurvey& found) {
  source.kind = Kind::classes;
  const std::string& name = file_names_[static_cast<std::size_t>(&source - sources_.data())];
  if (const NamedList* given = find_list(choice_.categories, name)) {
    source.classes = given->items;
    if (!may_grow(name)) return number(source);
    for (const std::string& value : found.values)
      if (!contains(source.classes, value)) source.classes.push_back(value);
  } else {
    source.classes.assign(found.values.begin(), found.values.end());
    std::ranges::sort(source.classes, class_order);
  }
  number(source);
}

void TableLayout::number(Source& source) {
  for (std::size_t k = 0; k < source.classes.size(); ++k)
    source.codes.emplace(source.classes[k], static_cast<std::int32_t>(k));
}

// Whether classes that a run did not have are numbered after its own: the host refuses them where a graph reads the column.
bool TableLayout::may_grow(const std::string& name) const {
  return choice_.settled && !(choice_.one_hot && contains(choice_.columns, name));
}

void TableLayout::report(const CsvFile& file, const std::vector<ColumnSurvey>& found) const {
  Diagnostics problems(kMostTableProblems);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].kind == Kind::number) report_fields(file, i, found[i], problems);
    const bool number_in_x = contains(choice_.columns, file_names_[i]) && !choice_.one_hot && found[i].numbers > 0;
    if (sources_[i].kind == Kind::classes && number_in_x) report_fields(file, i, found[i], problems);
    if (sources_[i].kind == Kind::classes) report_classes(file, i, found[i], problems);
    if (sources_[i].kind == Kind::left_out || !choice_.missing_is_error || found[i].missing.count == 0) continue;
    const FieldList& missing = found[i].missing;
    Diagnostic finding = file.problem(missing.first.front().row, i,
                                      fmt::format("the column '{}' has {} of {} values missing: {}", file_names_[i],
                                                  missing.count, file.rows(), missing.rows()),
                                      fmt::format("'{}'", missing.first.front().text), "a value in every row");
    finding.hint = "the option missing says what to do: mask, mean or value";
    problems.add(Error(std::move(finding)));
  }
  problems.throw_if_any();
}

void TableLayout::report_fields(const CsvFile& file, std::size_t i, const ColumnSurvey& found,
                                Diagnostics& problems) const {
  if (found.texts.count == 0) return;
  const FieldList::Field& first = found.texts.first.front();
  Diagnostic finding = file.problem(
      first.row, i,
      fmt::format("the column '{}' has {} among its {} numbers that {} no number f32 can hold: {}", file_names_[i],
                  found.texts.count == 1 ? "a text" : fmt::format("{} texts", found.texts.count), found.numbers,
                  found.texts.count == 1 ? "is" : "are", found.texts.rows()),
      fmt::format("'{}'", first.text), "a number");
  finding.hint = first.text.find(',') != std::string::npos
                     ? fmt::format(
                           "numbers are read with a decimal point and without separators; exclude={} leaves the "
                           "column out",
                           csv_row({file_names_[i]}))
                     : fmt::format(
                           "categorical={0} reads them as classes, exclude={0} leaves the column out, and "
                           "missing_words names what stands for a missing value",
                           csv_row({file_names_[i]}));
  problems.add(Error(std::move(finding)));
}

void TableLayout::report_classes(const CsvFile& file, std::size_t i, const ColumnSurvey& found,
                                 Diagnostics& problems) const {
  const std::string& name = file_names_[i];
  if (found.too_many) {
    problems.add(Error(file.problem(-1, i, fmt::format("the column '{}' has too many classes", name),
                                    fmt::format("more than {}", found.values.size()), "fewer")));
    return;
  }
  const bool given = find_list(choice_.categories, name) != nullptr && !may_grow(name);
  std::vector<std::string> wrong;
  for (const std::string& value : found.values) {
    if (first_not_utf8(value) != std::string_view::npos || (given && !sources_[i].codes.contains(value)))
      wrong.push_back(value);
  }
  CsvFields fields;
  for (std::int64_t row = 0; row < file.rows() && !wrong.empty(); ++row) {
    file.read(row, fields);
    const auto at = std::ranges::find(wrong, fields[i]);
    if (at == wrong.end()) continue;
    const bool is_text = first_not_utf8(*at) == std::string_view::npos;
    Diagnostic finding = file.problem(
        row, i,
        is_text ? fmt::format("row {}: the column '{}' has a value that is none of its classes", row + 1, name)
                : fmt::format("row {}: the column '{}' has a text that is not UTF-8", row + 1, name),
        is_text ? fmt::format("'{}'", *at) : "", is_text ? "one of " + joined(sources_[i].classes) : "text in UTF-8");
    if (is_text)
      finding.suggestion = nearest_name(*at, sources_[i].classes);
    else
      finding.hint = "iconv -f WINDOWS-1252 -t UTF-8 converts a table of older programs";
    problems.add(Error(std::move(finding)));
    wrong.erase(at);
  }
}

void TableLayout::make_outputs(const CsvFile& file) {
  x_ = choice_.columns;
  for (std::size_t i = 0; choice_.columns.empty() && i < sources_.size(); ++i) {
    const Kind kind = sources_[i].kind;
    if (!is_label(i) && (kind == Kind::number || (choice_.one_hot && kind == Kind::classes)))
      x_.push_back(file_names_[i]);
  }
  if (!x_.empty()) add_group("x", x_, file);
  if (!choice_.label.empty()) add_own(index_of(choice_.label), "label", ColumnRole::label);
  for (const NamedList& group : choice_.groups) add_group(group.name, group.items, file);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const std::string& name = file_names_[i];
    if (sources_[i].kind == Kind::left_out || is_label(i)) continue;
    if (std::ranges::find(outputs_, name, &Column::name) == outputs_.end())
      add_own(i, name, ColumnRole::data);
    else
      notices_.push_back(fmt::format("the column '{0}' of the table has no column of its own: '{0}' is another", name));
  }
  if (outputs_.empty())
    throw Error(file.problem(-1, 0, "no column of the table is left", "texts that all differ, or excluded columns",
                             "a column of numbers or of classes"));
}

void TableLayout::add_group(const std::string& name, const std::vector<std::string>& members, const CsvFile& file) {
  if (std::ranges::find(outputs_, name, &Column::name) != outputs_.end())
    throw Error(ErrorCode::data_specification,
                fmt::format("[table] the group '{}' has the name of another column", name));
  Column column{name, DType::f32, {}};
  Diagnostics problems(kMostTableProblems);
  for (const std::string& member : members) {
    const std::size_t i = index_of(member);
    Source& source = sources_[i];
    if (source.kind == Kind::number) {
      source.targets.push_back({outputs_.size(), column.features.size()});
      column.features.push_back(member);
    } else if (source.kind == Kind::classes && choice_.one_hot) {
      source.targets.push_back({outputs_.size(), column.features.size(), true});
      for (const std::string& one : source.classes) column.features.push_back(member + "=" + one);
    } else {
      Diagnostic finding =
          file.problem(-1, i, fmt::format("the column '{}' cannot be part of {}", member, name),
                       source.kind == Kind::classes ? "classes" : source.reason, "a column of numbers");
      if (source.kind == Kind::classes) finding.hint = "one_hot=true makes a feature of each class";
      problems.add(Error(std::move(finding)));
    }
  }
  problems.throw_if_any();
  column.event = Shape{static_cast<std::int64_t>(column.features.size())};
  outputs_.push_back(std::move(column));
}

void TableLayout::add_own(std::size_t i, const std::string& name, ColumnRole role) {
  Source& source = sources_[i];
  source.targets.push_back({outputs_.size()});
  Column column{name, source.kind == Kind::classes ? DType::i32 : DType::f32, {}};
  column.role = role;
  column.unit = unit_in(file_names_[i]);
  column.classes = source.classes;
  if (source.kind == Kind::classes) {
    column.minimum = choice_.missing_is_error ? 0 : -1;
    column.maximum = static_cast<double>(source.classes.size()) - 1;
  }
  outputs_.push_back(std::move(column));
}

// "age, height: numbers; colour: 3 classes (blue, green, red); name: 100 different texts, left out".
void TableLayout::describe(const std::vector<ColumnSurvey>& found) {
  const auto listed = [](const std::vector<std::string>& names) {
    constexpr std::size_t kMost = 8;
    if (names.size() <= kMost) return joined(names);
    return joined(std::vector<std::string>(names.begin(), names.begin() + kMost)) + ", ... " + names.back();
  };
  std::vector<std::string> numbers, parts, missing, rounded;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    const std::string& name = file_names_[i];
    if (source.kind == Kind::number) {
      numbers.push_back(name);
      if (found[i].rounded.count > 0) rounded.push_back(fmt::format("{} ({})", name, found[i].rounded.rows()));
    } else if (source.kind == Kind::classes) {
      parts.push_back(fmt::format("{}{}: {} classes ({})", name, is_label(i) ? ", the label" : "",
                                  source.classes.size(), listed(source.classes)));
    } else {
      parts.push_back(name + ": " + source.reason);
    }
    if (source.kind != Kind::left_out && found[i].missing.count > 0)
      missing.push_back(fmt::format("{} of {}", found[i].missing.count, name));
  }
  if (!numbers.empty())
    parts.insert(
        parts.begin(),
        listed(numbers) + (numbers.size() > 8 ? fmt::format(" ({} columns)", numbers.size()) : "") + ": numbers");
  notices_.insert(notices_.begin(), joined(parts, "; "));
  if (!missing.empty()) notices_.push_back("missing values: " + listed(missing));
  if (!rounded.empty())
    notices_.push_back("integers that f32 rounds, because they are beyond 2^24: " + listed(rounded));
}

std::map<std::string, OptionValue> TableLayout::settled_options() const {
  std::map<std::string, OptionValue> options;
  std::vector<OptionValue> columns(x_.begin(), x_.end()), categories;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].kind != Kind::classes) continue;
    std::vector<std::string> row = {file_names_[i]};
    row.insert(row.end(), sources_[i].classes.begin(), sources_[i].classes.end());
    categories.emplace_back(csv_row(row));
  }
  if (!columns.empty()) options["columns"] = std::move(columns);
  if (!categories.empty()) options["categories"] = std::move(categories);
  if (!choice_.label.empty()) options["label"] = choice_.label;
  options["settled"] = true;
  return options;
}

void TableLayout::read(const CsvFields& fields, std::span<const TensorView> out) const {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.targets.empty()) continue;
    const bool missing = is_missing(fields[i], choice_.words);
    if (source.kind == Kind::number) {
      double value = std::numeric_limits<double>::quiet_NaN();
      if (!missing) is_number(fields[i], value);
      for (const Target& target : source.targets) out[target.output].values()[target.place] = static_cast<float>(value);
      continue;
    }
    const std::int32_t code = missing ? -1 : source.codes.find(fields[i])->second;
    for (const Target& target : source.targets) {
      if (!target.one_hot) {
        out[target.output].values<std::int32_t>()[0] = code;
        continue;
      }
      const auto features = out[target.output].values().subspan(target.place, source.classes.size());
      std::ranges::fill(features, missing ? std::numeric_limits<float>::quiet_NaN() : 0.0F);
      if (!missing) features[static_cast<std::size_t>(code)] = 1;
    }
  }
}

}  // namespace loom
