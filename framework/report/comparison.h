// Several runs beside each other: the settings in which they differ, what their last evaluations measured, their curves.
//
// Ownership: values. Thread safety: functions of their arguments. Errors: those of summary_of_run(), all at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/run_summary.h"

namespace loom::report {

struct Comparison {
  std::vector<RunSummary> runs;
  // A key of the document, as --set takes it, and its text in each run; "" where a run does not have it. Only where they
  // differ.
  struct Setting {
    std::string key;
    std::vector<std::string> values;
  };
  std::vector<Setting> settings;
  // A value of the last evaluations, in each run that has it.
  struct Measured {
    std::string key;
    std::vector<std::optional<MeasuredValue>> values;
  };
  std::vector<Measured> evaluation;
};

Comparison compare_runs(const std::vector<std::string>& runs);
// One HTML file: both tables, and the curves of the same name of all runs in one chart each.
std::string comparison_page(const Comparison& comparison);

}  // namespace loom::report
