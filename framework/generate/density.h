// The importance-weighted estimate of ln p(x) of given samples (Burda et al. 2016): over k draws of z ~ q(z|x),
//   ln p(x) ~ ln 1/k sum exp(ln p(x|z) + ln p(z) - ln q(z|x))                                   [nats per sample]
//
// Ownership: keeps graph and weights; refers to the executor. Thread safety: one thread at a time.
// Errors: not_supported where the graph does not compute what the estimate needs; those of Program.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "generate/model_source.h"
#include "run/program.h"

namespace loom {

class DensityPass {
 public:
  // `inputs`: the names of what run() is fed; every input that the terms need must be among them.
  DensityPass(const ModelSource& model, std::shared_ptr<ParameterStore> weights, Executor& executor,
              const std::vector<std::string>& inputs, std::int64_t batch);

  const Graph& graph() const { return *graph_; }
  std::vector<double> run(std::span<const TensorView> feeds, std::int64_t samples, std::int64_t draws,
                          std::uint64_t seed);

 private:
  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<ParameterStore> weights_;
  std::int64_t batch_;
  std::unique_ptr<Program> program_;  // its terms: likelihoods and log ratios, of which the log weight is minus the sum
};

}  // namespace loom
