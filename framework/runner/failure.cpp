#include "runner/failure.h"

#include <fmt/format.h>

#include <cmath>

#include "core/plain_nan.h"
#include "runner/console.h"

namespace loom::runner {
namespace {

Diagnostic not_finite(std::string message, const std::string& detail, const std::string& remedy) {
  Diagnostic finding;
  finding.code = ErrorCode::not_finite;
  finding.message = std::move(message);
  finding.got = detail;
  finding.hint = !remedy.empty() ? remedy
                                 : "lower the learning rate, set train.clip_norm, or bring the data to the scale of 1 "
                                   "(normalize: dataset)";
  return finding;
}

}  // namespace

std::optional<Diagnostic> failure_of(const Evaluation& evaluation, const std::string& name) {
  if (evaluation.samples == 0 || std::isfinite(evaluation.loss)) return std::nullopt;
  return not_finite(fmt::format("{} is not finite: its loss is {}", name, plain_nan(evaluation.loss)),
                    evaluation.not_finite, evaluation.remedy);
}

std::optional<Diagnostic> failure_of(const Session& session, const Outcome& outcome) {
  const Guard& guard = session.state().guard();
  if (const std::int64_t skipped = guard.state().skipped; session.steps_done() > 0 && skipped >= session.steps_done()) {
    const Guard::Rejection first = guard.first() ? *guard.first() : Guard::Rejection();
    return not_finite(fmt::format("no step was applied: all {} had an unusable loss or gradient", grouped(skipped)),
                      first.detail, first.remedy);
  }
  return outcome.evaluation ? failure_of(*outcome.evaluation, "the last evaluation") : std::nullopt;
}

}  // namespace loom::runner
