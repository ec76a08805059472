// What was checked about a type, a row each: the table that `graph-runner check` prints.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace loom::testing {

struct CheckRow {
  enum class Result {
    passed,
    failed,
    noted,   // worth knowing, and no failure
    skipped  // nothing to check, or nothing to check it with; `finding` says why
  };
  std::string check;  // "gradients"
  Result result = Result::passed;
  std::string finding;                                       // in words a reader can act on
  double figure = std::numeric_limits<double>::quiet_NaN();  // the number in it, where there is one
};

std::string_view result_text(CheckRow::Result result);  // "ok", "FAILED", "note", "skipped"

struct CheckTable {
  std::string type, kind, library;
  std::vector<std::string> examples;  // the options and shapes it was checked with
  std::vector<std::string> outputs;   // "loss [N]"
  std::vector<CheckRow> rows;

  bool ok() const;                                     // nothing failed, and something was checked
  const CheckRow* find(std::string_view check) const;  // null where there is no such row
  std::string text() const;
  std::string failures() const;  // the failed rows alone, one a line

  // Adds what one more example gave for a check: the worse result stands, and of equal ones the larger figure.
  void add(CheckRow row);
};

}  // namespace loom::testing
