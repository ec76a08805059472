// Ancestral sampling: fills the `autoregressive` inputs of a `generate:` entry position by position. If every node on
// the path is causal or pointwise, each computes one position at a time (run/incremental.h); otherwise each position
// needs one run of everything that `from` is computed from. Both draw the same values: random numbers depend only on
// seed, node, step, sample and position, and any other drawn value, such as a latent variable, is the same for all
// positions.
//
// Ownership: owns its programs and the values it drew; refers to graph, weights and executor.
// Thread safety: one thread. Errors: those of the programs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "document/rewrite.h"
#include "run/incremental.h"
#include "run/program.h"

namespace loom {

class AncestralSampler {
 public:
  // `rewrite` holds the entry's draws, `graph` is what it builds. `given` are ports that the feeds of draw() hold:
  // data.
  AncestralSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry, std::int64_t batch,
                   std::vector<Port> given, bool incremental = true);

  const std::vector<Port>& inputs() const { return inputs_; }  // none where the entry is not autoregressive
  // Their values for the given feeds, the samples, seed and step of `input`; valid until the next call.
  std::vector<TensorView> draw(const StepInput& input);
  // Why an input is filled the long way, a sentence each.
  const std::vector<std::string>& obstacles() const { return obstacles_; }

 private:
  struct Stage {
    std::int64_t axis, axes;
    Tensor values;                   // of the input, [batch, ...]
    std::unique_ptr<Program> whole;  // one of the two
    std::unique_ptr<IncrementalProgram> incremental;
  };
  void draw_whole(Stage& stage, StepInput input, const TensorView& values);

  std::vector<Port> given_, inputs_;
  std::vector<Stage> stages_;
  std::vector<std::string> obstacles_;
};

}  // namespace loom
