// Ancestral sampling: fills the `autoregressive` inputs of a `generate:` entry position by position. If every node on
// the path is causal or pointwise, each computes one position at a time (run/incremental.h); otherwise each position
// needs one run of everything that `from` is computed from. Both draw the same values: random numbers depend only on
// seed, node, step, sample and position, and any other drawn value, such as a latent variable, is the same for all
// positions. Inputs are zeros until their turn comes. What is given of an input (`given:`) keeps the values that the input
// is fed with, and the rest is drawn.
//
// Ownership: owns its programs and the values it drew; refers to graph, weights and executor.
// Thread safety: one thread. Errors: those of the programs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "document/rewrite.h"
#include "run/incremental.h"
#include "run/program.h"

namespace loom {

class AncestralSampler {
 public:
  // `rewrite` holds the entry's draws, `graph` is what it builds. `given` are ports that the feeds of draw() hold: data,
  // an input of which a part is given, and its mask.
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
    std::vector<int> feeds;          // those of given_ that its program reads
    int source = -1, mask = -1;      // in given_: the values of the input, and the mask of those that are given
    std::int64_t given = 0;          // the first positions
    std::unique_ptr<Program> whole;  // one of the two
    std::unique_ptr<IncrementalProgram> incremental;
  };
  int place_of(Port port, const std::string& what) const;  // in given_
  std::vector<std::uint8_t> kept(const Stage& stage, const StepInput& input) const;
  static void draw_whole(Stage& stage, const StepInput& input, const TensorView& values,
                         std::span<const std::uint8_t> kept);

  std::vector<Port> given_, inputs_;
  std::vector<Stage> stages_;
  std::vector<std::string> obstacles_;
};

}  // namespace loom
