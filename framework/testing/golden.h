// Compares a node with golden files: archives of what a reference implementation computes for small cases. The names of
// the arrays are described in tests/golden/README.md: CASE/options, CASE/in/x, CASE/param/weight, CASE/out/y, ...
#pragma once

#include <functional>
#include <string>

#include "testing/node_tester.h"

namespace loom::testing {

struct GoldenCheck {
  double tolerance = 1e-5;                               // max |a - b| / max |b|
  std::map<std::string, double> case_tolerance = {};     // for cases that need another
  std::map<std::string, std::string> option_names = {};  // the node's names of options that the file calls otherwise
};

// All cases of `path`, an archive for the node type `type`. Throws Error(data_not_found) where there is no such file.
Report check_golden(const Registry& registry, const std::string& type, const std::string& path,
                    const GoldenCheck& check = {});

}  // namespace loom::testing
