#include "train/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loom/error.h"

namespace loom {
namespace {
constexpr double kMeanDecay = 0.98;
constexpr std::int64_t kKnownEnough = 20;  // norms before spikes are detected
}  // namespace

Guard::Guard(const TrainEntry& entry, std::size_t objectives)
    : spike_factor_(entry.spike_factor), skip_limit_(std::max<std::int64_t>(1, entry.skip_limit)), where_(entry.where) {
  state_.norms.resize(objectives);
}

Guard::Verdict Guard::judge(std::span<const double> losses, std::span<const double> norms) const {
  const auto bad = [](double value) { return !std::isfinite(value); };
  if (std::ranges::any_of(losses, bad) || std::ranges::any_of(norms, bad)) return Verdict::not_finite;
  for (std::size_t i = 0; i < norms.size(); ++i) {
    const GuardState::Running& running = state_.norms[i];
    if (spike_factor_ > 0 && running.count >= kKnownEnough && norms[i] > spike_factor_ * running.mean)
      return Verdict::spike;
  }
  return Verdict::good;
}

void Guard::accept(std::span<const double> norms) {
  state_.in_row = 0;
  for (std::size_t i = 0; i < norms.size(); ++i) {
    if (norms[i] < 0) continue;
    GuardState::Running& running = state_.norms[i];
    ++running.count;
    const double rate = std::max(1 - kMeanDecay, 1 / static_cast<double>(running.count));
    running.mean += rate * (norms[i] - running.mean);
  }
}

void Guard::reject(Verdict verdict, std::int64_t step, const std::string& detail, const std::string& remedy) {
  ++state_.skipped;
  ++state_.in_row;
  if (!first_) first_ = {detail, remedy};
  if (state_.in_row < skip_limit_) return;
  Diagnostic finding;
  finding.code = ErrorCode::not_finite;
  finding.where = where_;
  finding.message = fmt::format(
      "training stopped at step {}: {} {} in a row {}", step, state_.in_row, state_.in_row == 1 ? "step" : "steps",
      verdict == Verdict::spike ? "had a gradient far above its mean" : "gave no finite loss or gradient");
  finding.got = detail;
  finding.expected =
      verdict == Verdict::spike
          ? fmt::format("a gradient norm of at most train.spike_factor ({}) times its mean", spike_factor_)
          : "finite values";
  finding.hint =
      remedy.empty() ? "lower the learning rate, set train.clip_norm, or check the data of this step" : remedy;
  throw Error(std::move(finding));
}

void Guard::restore(GuardState state) {
  state.norms.resize(state_.norms.size());
  state_ = std::move(state);
}

}  // namespace loom
