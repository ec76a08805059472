// Protects a training job from bad steps: a step whose loss or gradient is not finite, or whose gradient norm is far
// above its running mean, is skipped and counted; too many skipped steps in a row end the training job with an error.
//
// The running mean of each objective's gradient norm is m += (1 - 0.98) (norm - m) over accepted steps, the plain mean
// while there are fewer than 50; spikes are detected once 20 norms are known. All of it is part of a checkpoint, so
// that a resumed run skips the same steps.
//
// Thread safety: belongs to one thread. Errors: not_finite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "document/document.h"

namespace loom {

struct GuardState {
  std::int64_t skipped = 0;  // steps since the start of the run
  std::int64_t in_row = 0;   // bad steps without a good one between
  struct Running {
    double mean = 0;
    std::int64_t count = 0;
  };
  std::vector<Running> norms;  // per objective
};

class Guard {
 public:
  enum class Verdict { good, not_finite, spike };
  struct Rejection {
    std::string detail, remedy;  // what was bad, and what helps
  };

  Guard(const TrainEntry& entry, std::size_t objectives);

  // `norms` per objective; negative for one that does not update in this step.
  Verdict judge(std::span<const double> losses, std::span<const double> norms) const;
  // After a good step.
  void accept(std::span<const double> norms);
  // Whether another bad step would be the skip_limit-th in a row.
  bool is_at_limit() const { return state_.in_row + 1 >= skip_limit_; }
  // Whether every step since the start of the run was bad, and this object has told of none yet.
  bool is_first(std::int64_t step) const { return state_.skipped + 1 >= step && !first_; }
  // After a bad one, `step` counted from 1. `detail` names what was bad, `remedy` what helps; throws Error(not_finite) at
  // the skip_limit-th in a row.
  void reject(Verdict verdict, std::int64_t step, const std::string& detail, const std::string& remedy = "");

  const GuardState& state() const { return state_; }
  // Of the first bad step that this object was told of; null if there was none.
  const Rejection* first() const { return first_ ? &*first_ : nullptr; }
  void restore(GuardState state);

 private:
  double spike_factor_;
  std::int64_t skip_limit_;
  Location where_;
  GuardState state_;
  std::optional<Rejection> first_;
};

}  // namespace loom
