// The contract of a metric: a quantity that is measured of a model.
//
//   class MeanError final : public loom::Metric {
//    public:
//     static void declare(loom::Contract& c) {
//       c.summary("Mean absolute error of reconstructions").measures(loom::Measured::reconstructions);
//       c.input("original", "[N, ...E]", "the data");
//       c.input("reconstruction", "[N, ...E]", "what the model makes of them");
//       c.value("mean_error", "mean absolute error", "", "mean over all values of |x - y|, >= 0");
//     }
//     explicit MeanError(const loom::Options& options);
//     void add(std::span<const loom::TensorView> inputs) override;
//     std::vector<loom::MetricResult> finish() override;
//   };
//   LOOM_METRIC(MeanError, "acme.mean_error")
//
// Every loaded metric is measured wherever its inputs exist; `metrics: {acme.mean_error: false}` in a document turns it
// off, and a map in the place of `false` gives its options. What it measures decides its inputs, found by their names:
//   posteriors       inputs, outputs and states of the divergence: mu, logvar, per_dimension, ...
//   quantizers       inputs, outputs and states of the quantizer: codes, unused_for, ...
//   reconstructions  original, reconstruction [N, ...E]; mask [N, ...E] where the likelihood has one: 1 where a value is
//                    there; columns [F] where the items are rows of a table
//   images           the same, [N, H, W, C] with values in [0, 1]
//   sounds           the same, [N, T] or [N, T, 1] with values in [-1, 1]
//   factors          codes [N, D], posterior means side by side; factors [N, F] i32
// A metric is left out where an input that is not optional does not exist.
//
// Ownership: the host owns inputs, which are valid during the call. A metric is made for one subject and one pass.
// Thread safety: one thread. Errors: what a metric throws ends the evaluation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loom/contract.h"
#include "loom/options.h"
#include "loom/plugin.h"
#include "loom/tensor.h"

namespace loom {

class Executor;

// The pass over the data that follows.
struct MetricPass {
  std::int64_t samples = 0;     // that add() will be given in all
  bool in_training = false;     // an evaluation of a training job: keep the work small
  bool fixed_prior = true;      // of a posterior: its prior does not depend on the data
  std::uint64_t seed = 1;       // of what the metric draws
  Executor* threads = nullptr;  // internal: what the framework's own metrics compute on
};

// A value of a declared key.
struct MetricResult {
  std::string key;
  OptionValue value;      // a number, an integer, a text or a list of these; empty if it is not defined here
  std::string note = {};  // beside the value: "of 10"
  std::optional<double> standard_error = {};
};

class Metric {
 public:
  virtual ~Metric() = default;
  virtual void begin(const MetricPass&) {}
  // The values of the next samples, in the order of the declared inputs, [n, ...] each; a state as it is. An optional
  // input that does not exist is an empty view.
  virtual void add(std::span<const TensorView> inputs) = 0;
  virtual std::vector<MetricResult> finish() = 0;  // after the last add()
};

// A measured value, with its declaration.
struct MetricValue {
  std::string key;
  std::string subject;  // what it is of: "latents/kl", "quantizers/q", "terms"; "" for the model as a whole
  std::string title, unit;
  OptionValue value;
  std::optional<double> standard_error;
  std::string split;  // of the data; "" where the data has no splits
  std::string note;
  bool is_curve = false;
};

OptionValue list_of(const std::vector<double>& values);
OptionValue list_of(const std::vector<std::int64_t>& values);

}  // namespace loom
