#include "run/step_failure.h"

#include <fmt/format.h>

#include <utility>

namespace loom {

Error step_failure(const Graph& graph, const TapeStep& step, std::uint32_t number, const std::exception& problem) {
  Diagnostic finding;
  const auto* error = dynamic_cast<const Error*>(&problem);
  const auto is = [&](ErrorCode code) { return error != nullptr && error->code() == code; };
  finding.code = ErrorCode::node_failed;
  for (const ErrorCode code : {ErrorCode::not_differentiable, ErrorCode::not_finite})
    if (is(code)) finding.code = code;
  if (step.node >= 0) finding.where = graph.node(step.node).where;
  const bool backward = step.is_backward();
  finding.message =
      fmt::format("'{}' failed in {} at step {}: {}", step.node >= 0 ? graph.node(step.node).path : "sum of gradients",
                  backward ? "backward" : "forward", number,
                  is(ErrorCode::not_finite) ? error->diagnostics().front().message : problem.what());
  if (is(ErrorCode::not_finite)) finding.hint = error->diagnostics().front().hint;
  return Error(std::move(finding));
}

}  // namespace loom
