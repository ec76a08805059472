#include "live/change.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loom/error.h"

namespace loom {

std::string describe(const Adoption& adoption) {
  std::vector<std::string> parts = {fmt::format("{} tensors carried over", adoption.carried)};
  const auto add = [&](const std::vector<std::string>& names, const char* what) {
    if (!names.empty()) parts.push_back(fmt::format("{} {}: {}", names.size(), what, fmt::join(names, ", ")));
  };
  add(adoption.fresh, "start with initial values");
  add(adoption.restored, "restored");
  add(adoption.set_aside, "set aside");
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<std::string> reasons_of(const std::function<void()>& work) {
  std::vector<std::string> reasons;
  try {
    work();
  } catch (const Error& error) {
    for (const Diagnostic& finding : error.diagnostics()) reasons.push_back(finding.text());
  } catch (const std::exception& problem) {
    reasons.push_back(problem.what());
  }
  return reasons;
}

}  // namespace loom
