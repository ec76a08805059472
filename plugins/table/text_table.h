// A text file of rows of fields, read in place: the file is mapped, and only the start of each row is kept in memory, 8
// bytes per row. A row is a line; a field may be in double quotes, and "" is a quote inside it.
//
// Thread safety: immutable after construction.
// Errors: those of the file; data_wrong_format with file:line:column, all of them together, up to 20.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <loom/dataset.h>
#include <loom/error.h>

namespace table {

struct Field {
  std::string_view text;   // without quotes around it and blanks at its ends; "" inside is not replaced
  std::size_t column = 0;  // of its first character in the line, from 1
};

class TextTable {
 public:
  // `delimiter` 0: the one of , ; tab | that is most frequent in the first line.
  TextTable(const std::string& path, char delimiter, bool header);

  const std::string& path() const { return path_; }
  char delimiter() const { return delimiter_; }
  const std::vector<std::string>& names() const { return names_; }  // of the columns: "1", "2" ... without a header
  std::int64_t rows() const { return static_cast<std::int64_t>(starts_.size()); }
  std::int64_t line_of(std::int64_t row) const { return first_line_ + row; }  // from 1
  std::span<const std::byte> bytes() const { return file_.bytes(); }

  // Calls body(column index, field) for each field of a row, from left to right, until it returns false.
  template <class Body>
  void for_fields(std::int64_t row, const Body& body) const {
    std::string_view line = line_at(starts_[static_cast<std::size_t>(row)]);
    std::size_t at = 0;
    for (std::size_t index = 0; at <= line.size(); ++index) {
      if (!body(index, next_field(line, at))) return;
    }
  }

  // An error at a place of the file.
  loom::Diagnostic problem(std::int64_t line, std::size_t column, std::string message, std::string got,
                           std::string expected) const;

 private:
  std::string_view line_at(std::size_t start) const;
  // The field that begins at `at`, which moves behind its delimiter; beyond the line's end after the last one.
  Field next_field(std::string_view line, std::size_t& at) const;
  void read_names(std::string_view line, bool header);
  void find_rows(std::size_t start);
  void check_shape() const;
  std::size_t fields_in(std::string_view line, std::size_t& open_quote) const;

  std::string path_;
  loom::MappedFile file_;
  char delimiter_;
  std::vector<std::string> names_;
  std::vector<std::size_t> starts_;  // of the rows, in bytes
  std::int64_t first_line_ = 1;
};

}  // namespace table
