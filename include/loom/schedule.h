// The contract of a schedule: a value over the steps of training, such as a learning rate, the weight of a loss or an
// option of a node.
//
//   class Cosine final : public loom::Schedule {
//    public:
//     static void declare(loom::Contract& c);
//     explicit Cosine(const loom::Options& options);
//     double value(std::int64_t step) const override;
//   };
//   LOOM_SCHEDULE(Cosine, "cosine")
//
// A document can use it for every scheduled number: `lr: {type: cosine, from: 1.0e-3, to: 1.0e-5, over: 20000}`.
// `warmup` is an option of every schedule and is not declared: the value rises linearly from 0 over the first `warmup`
// steps, as min(1, (step + 1) / warmup) times the schedule's value.
//
// A schedule is a function of the step alone, so a resumed run has the same values as an uninterrupted one.
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <optional>

#include "loom/contract.h"
#include "loom/options.h"
#include "loom/plugin.h"

namespace loom {

class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual double value(std::int64_t step) const = 0;  // of step 0, 1, 2, ...; finite

  // Of a schedule that changes for ever, as one of cycles does: the step from which on an evaluation counts although the
  // weight of a loss still changes, and the weight that the loss has in the choice of the best checkpoint. Nothing: the
  // first step from which on the value is that of the last step.
  struct Settled {
    std::int64_t step = 0;
    double value = 0;
  };
  virtual std::optional<Settled> settled() const { return std::nullopt; }
};

}  // namespace loom
