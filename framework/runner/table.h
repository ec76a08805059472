// A table of texts on stdout: aligned for people, or as CSV (RFC 4180).
//
// Thread safety: one thread. Errors: those of write_out().
#pragma once

#include <string>
#include <vector>

namespace loom::runner {

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header

  void print() const;
  void print_csv() const;
};

// Quoted where it holds a comma, a quote or a line end.
std::string csv_field(const std::string& text);

}  // namespace loom::runner
