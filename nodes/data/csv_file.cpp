#include "csv_file.h"

#include <csv.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <new>
#include <utility>

#include "utf8.h"

namespace loom {
namespace {

bool ends_line(char c) { return c == '\n' || c == '\r'; }

// The end of the row that starts at `at`: the first end of a line outside of quotes. In a file by RFC 4180 a place is
// inside of quotes exactly where the number of quotes before it is odd.
std::size_t end_of_row(std::string_view all, std::size_t at) {
  bool quoted = false;
  for (; at < all.size(); ++at) {
    if (all[at] == '"')
      quoted = !quoted;
    else if (!quoted && ends_line(all[at]))
      break;
  }
  return at;
}

std::size_t after_line_end(std::string_view all, std::size_t end) {
  if (end < all.size()) end += all.substr(end).starts_with("\r\n") ? 2 : 1;
  return end;
}

char most_frequent_delimiter(std::string_view row) {
  constexpr std::string_view kCandidates = ",;\t|";
  std::array<std::size_t, kCandidates.size()> counts{};
  bool quoted = false;
  for (const char c : row) {
    quoted ^= c == '"';
    const std::size_t found = quoted ? std::string_view::npos : kCandidates.find(c);
    if (found != std::string_view::npos) ++counts[found];
  }
  return kCandidates[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

// A parser of libcsv for one row.
class Parser {
 public:
  explicit Parser(char delimiter) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  std::size_t feed(std::string_view text, CsvFields& fields) {
    return csv_parse(&parser_, text.data(), text.size(), &add, nullptr, &fields);
  }
  bool finish(CsvFields& fields) { return csv_fini(&parser_, &add, nullptr, &fields) == 0; }

 private:
  static void add(void* text, std::size_t size, void* fields) noexcept {
    static_cast<CsvFields*>(fields)->add({static_cast<const char*>(text), size});
  }
  csv_parser parser_{};
};

// Where the field number `field` of a row starts.
std::size_t start_of_field(std::string_view row, char delimiter, std::size_t field) {
  Parser parser(delimiter);
  CsvFields fields;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (fields.size() == field && row[at] != ' ') return at;
    if (parser.feed(row.substr(at, 1), fields) != 1) return at;
  }
  return row.size();
}

}  // namespace

bool is_number(std::string_view text, double& value) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() && !text.empty() &&
         std::isfinite(static_cast<float>(value));
}

std::size_t CsvFields::parse(std::string_view row, char delimiter) {
  text_.clear();
  ends_.clear();
  Parser parser(delimiter);
  if (const std::size_t done = parser.feed(row, *this); done != row.size()) return done;
  if (!parser.finish(*this)) return row.rfind('"');
  return kGood;
}

CsvFile::CsvFile(const std::string& path, char delimiter, Header header)
    : path_(path), file_(path), delimiter_(delimiter) {
  require_text();
  if (all().starts_with(kByteOrderMark)) header_ = kByteOrderMark.size();
  while (header_ < all().size() && ends_line(all()[header_])) ++header_;
  if (delimiter_ == 0) delimiter_ = most_frequent_delimiter(row_at(header_));
  read_header(header);
  find_rows();
  if (starts_.empty()) {
    Diagnostic finding = problem_at(body_, "the table has no rows", body_ > header_ ? "a header alone" : "empty lines",
                                    "rows of values");
    finding.code = ErrorCode::data_empty;
    throw Error(std::move(finding));
  }
}

std::string_view CsvFile::row_at(std::size_t start) const {
  return all().substr(start, end_of_row(all(), start) - start);
}

// What is often given in place of text, and would be reported as strange fields.
void CsvFile::require_text() const {
  const auto fail = [&](const char* got, std::string hint) {
    Diagnostic finding = problem_at(0, "this is not a table of text", got, "text in UTF-8");
    finding.hint = std::move(hint);
    throw Error(std::move(finding));
  };
  if (all().starts_with("\xFF\xFE") || all().starts_with("\xFE\xFF"))
    fail("text in UTF-16", "iconv -f UTF-16 -t UTF-8 converts it");
  if (all().starts_with("\x1F\x8B"))
    fail("a gzip file", "gunzip unpacks it: rows of a compressed file cannot be found");
  if (all().starts_with("PK\x03\x04")) fail("a zip archive, or a spreadsheet", "save the sheet as CSV");
}

void CsvFile::read_header(Header header) {
  const std::string_view row = row_at(header_);
  CsvFields fields;
  if (const std::size_t bad = fields.parse(row, delimiter_); bad != CsvFields::kGood)
    throw Error(
        problem_at(header_ + bad, "the first row is not CSV: a quote stands where none may be", "", "RFC 4180"));
  bool all_numbers = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    double ignored = 0;
    all_numbers = all_numbers && is_number(fields[i], ignored);
  }
  const bool present = header == Header::present || (header == Header::automatic && !all_numbers);
  if (header == Header::automatic && !present)
    notices_.emplace_back(
        "the first row has numbers alone: it is data, and the columns are named 1, 2, ... (header: true reads it as "
        "names)");
  Diagnostics problems(kMostTableProblems);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::string name = present && !fields[i].empty() ? std::string(fields[i]) : std::to_string(i + 1);
    const auto other = std::ranges::find(names_, name);
    if (first_not_utf8(name) != std::string_view::npos) {
      Diagnostic finding = problem(-1, i, "the name of a column is not text in UTF-8", "", "text in UTF-8");
      finding.hint = "iconv -f WINDOWS-1252 -t UTF-8 converts a table of older programs";
      problems.add(Error(std::move(finding)));
    } else if (other != names_.end()) {
      problems.add(Error(problem(-1, i, fmt::format("two columns have the name '{}'", name),
                                 fmt::format("columns {} and {}", other - names_.begin() + 1, i + 1), "one")));
    }
    names_.push_back(std::move(name));
  }
  problems.throw_if_any();
  body_ = present ? after_line_end(all(), header_ + row.size()) : header_;
}

// After a row that is not CSV, reading resumes in the next line, so that all such rows are found at once.
void CsvFile::find_rows() {
  Diagnostics problems(kMostTableProblems);
  CsvFields fields;
  std::int64_t empty_lines = 0, after_rows = 0;
  for (std::size_t start = body_; start < all().size();) {
    const std::string_view row = row_at(start);
    std::size_t end = start + row.size();
    const std::size_t bad = fields.parse(row, delimiter_);
    const auto where = fmt::format("row {}", starts_.size() + 1);
    if (bad != CsvFields::kGood) {
      const bool is_open = end == all().size() && std::ranges::count(row, '"') % 2 == 1 && row.rfind('"') == bad;
      problems.add(
          Error(problem_at(start + bad, where + (is_open ? ": a quote is not closed" : ": this is not CSV"),
                           std::string(row.substr(bad, 20)), "\"a field in quotes, \"\" for a quote in it\"")));
      for (end = start + bad; end < all().size() && !ends_line(all()[end]);) ++end;
    } else if (fields.size() > 0 && fields.size() != names_.size()) {
      problems.add(Error(problem_at(start, where + " does not have as many fields as the table has columns",
                                    fmt::format("{} fields", fields.size()), fmt::format("{} fields", names_.size()))));
    }
    if (bad == CsvFields::kGood && fields.size() == 0) {
      ++after_rows;
    } else {
      empty_lines += std::exchange(after_rows, 0);
      starts_.push_back(start);
    }
    start = after_line_end(all(), end);
  }
  problems.throw_if_any();
  if (empty_lines > 0) notices_.push_back(fmt::format("{} empty lines between the rows were skipped", empty_lines));
}

void CsvFile::read(std::int64_t row, CsvFields& fields) const {
  fields.parse(row_at(starts_[static_cast<std::size_t>(row)]), delimiter_);
  if (fields.size() != names_.size())
    throw file_error(ErrorCode::data_corrupt, path_, kNoOffset, "the table was changed while it was read");
}

Diagnostic CsvFile::problem(std::int64_t row, std::size_t column, std::string message, std::string got,
                            std::string expected) const {
  const std::size_t start = row < 0 ? header_ : starts_[static_cast<std::size_t>(row)];
  return problem_at(start + start_of_field(row_at(start), delimiter_, column), std::move(message), std::move(got),
                    std::move(expected));
}

Diagnostic CsvFile::problem_at(std::size_t offset, std::string message, std::string got, std::string expected) const {
  int line = 1;
  std::size_t line_start = header_;
  for (std::size_t at = header_; at < offset; ++at) {
    const bool ends = all()[at] == '\n' || (all()[at] == '\r' && !all().substr(at).starts_with("\r\n"));
    if (ends) ++line, line_start = at + 1;
  }
  Diagnostic finding;
  finding.code = ErrorCode::data_wrong_format;
  finding.where = {path_, line, static_cast<int>(offset - line_start) + 1};
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return finding;
}

}  // namespace loom
