// A table as text by RFC 4180, read in place: the file is mapped, and only the place of each row is kept, 8 bytes a row.
// The fields of a row are found by libcsv in its strict mode: a field may stand in double quotes, and then have
// delimiters, ends of lines and "" (one quote) in it. Lines end with LF, CRLF or CR; the last one need not. A byte order
// mark is skipped. Blanks around a field without quotes do not belong to it. Lines without any field are not rows.
//
// Thread safety: immutable after construction. Errors: those of the file; data_wrong_format with file, line and column,
// all of them together, up to 20; data_empty if there is no row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loom/dataset.h"

namespace loom {

inline constexpr std::size_t kMostTableProblems = 20;  // what an error names

// The fields of one row.
class CsvFields {
 public:
  static constexpr std::size_t kGood = static_cast<std::size_t>(-1);

  // Reads a row without its end of line. Returns kGood, or the place of what is not RFC 4180.
  std::size_t parse(std::string_view row, char delimiter);
  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t field) const {
    const std::size_t begin = field == 0 ? 0 : ends_[field - 1];
    return std::string_view(text_).substr(begin, ends_[field] - begin);
  }
  void add(std::string_view field) {
    text_.append(field);
    ends_.push_back(text_.size());
  }

 private:
  std::string text_;  // of all fields, one after the other
  std::vector<std::size_t> ends_;
};

class CsvFile {
 public:
  enum class Header { automatic, present, absent };  // automatic: present, unless the first row has numbers alone

  // `delimiter` 0: the one of , ; tab | that is most frequent in the first row.
  CsvFile(const std::string& path, char delimiter, Header header);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& names() const { return names_; }  // of the columns: "1", "2" ... without a header
  std::int64_t rows() const { return static_cast<std::int64_t>(starts_.size()); }
  std::span<const std::byte> bytes() const { return file_.bytes(); }
  const std::vector<std::string>& notices() const { return notices_; }

  // The fields of a row, as many as there are columns.
  void read(std::int64_t row, CsvFields& fields) const;

  // A diagnostic about a field, or about the header for row -1; it finds the line by reading the file up to there.
  Diagnostic problem(std::int64_t row, std::size_t column, std::string message, std::string got,
                     std::string expected) const;

 private:
  std::string_view all() const { return {reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()}; }
  std::string_view row_at(std::size_t start) const;
  void require_text() const;
  void read_header(Header header);
  void find_rows();
  Diagnostic problem_at(std::size_t offset, std::string message, std::string got, std::string expected) const;

  std::string path_;
  MappedFile file_;
  char delimiter_;
  std::size_t header_ = 0, body_ = 0;  // where the header and the first row start
  std::vector<std::string> names_;
  std::vector<std::size_t> starts_;  // of the rows, in bytes
  std::vector<std::string> notices_;
};

// The whole text is one number that f32 can hold, with a decimal point.
bool is_number(std::string_view text, double& value);

}  // namespace loom
