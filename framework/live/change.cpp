#include "live/change.h"

#include "loom/error.h"

namespace loom {

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
