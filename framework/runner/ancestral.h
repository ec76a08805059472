// Ancestral sampling: the `autoregressive` inputs of a `generate:` entry, filled position by position. Each position
// costs one run of what `from` is computed from; everything else that is drawn, a latent variable, stays the same
// over these runs, since random numbers depend on seed, node, step and sample alone.
//
// Ownership: owns its programs and the values it drew; refers to graph, weights and executor.
// Thread safety: one thread. Errors: those of the programs.
#pragma once

#include <memory>
#include <vector>

#include "document/rewrite.h"
#include "run/program.h"

namespace loom::runner {

class AncestralSampler {
 public:
  // `rewrite` holds the entry's draws, `graph` is what it builds.
  AncestralSampler(const Rewrite& rewrite, const std::shared_ptr<const Graph>& graph, ParameterStore& store,
                   Executor& executor, const GenerateEntry& entry, std::int64_t batch);

  const std::vector<Port>& inputs() const { return inputs_; }  // none where the entry is not autoregressive
  // Their values for the samples, seed and step of `input`; valid until the next call.
  std::vector<TensorView> draw(const StepInput& input);

 private:
  struct Stage {
    std::int64_t axis;
    Tensor values;  // of the input, [batch, ...]
    std::unique_ptr<Program> program;
  };
  std::vector<Port> inputs_;
  std::vector<Stage> stages_;
};

}  // namespace loom::runner
