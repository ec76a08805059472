// One way through a model, compiled: ports that are fed, ports that are computed by iteration, autoregressive inputs that are
// filled position by position, ports that are fetched; run batch after batch.
//
// Ownership: keeps graph and weights; refers to the executor. Thread safety: one thread at a time.
// Errors: those of Program; node_failed of a run, after which it can be run again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "generate/ancestral.h"
#include "generate/iteration.h"
#include "generate/model_source.h"
#include "run/program.h"

namespace loom {

inline constexpr std::int64_t kSamplesAtOnce = 100;      // ten classes in turn go on across batches
inline constexpr std::uint64_t kDrawSeed = 0x5DEECE66D;  // on top of a seed: other noise than training's

struct PassRequest {
  std::shared_ptr<const Graph> graph;
  std::shared_ptr<ParameterStore> weights;
  std::vector<Port> feeds, fetch;
  std::int64_t batch = 1;  // samples of a run at most
  // The entry that iterates and whose autoregressive inputs are filled, and the rewrite that `graph` was built from; null:
  // neither.
  const GenerateEntry* entry = nullptr;
  const Rewrite* rewrite = nullptr;
  bool incremental = true;  // false: they are filled by whole runs of the graph
};

class Pass {
 public:
  // Notices to `model` where an autoregressive input has to be filled by whole runs.
  Pass(const ModelSource& model, Executor& executor, PassRequest request);

  const Graph& graph() const { return *graph_; }
  // `feeds` in the order of the request; `starts`, `first_item`: see StepInput.
  void run(std::span<const TensorView> feeds, std::int64_t samples, std::uint64_t seed, std::uint32_t step,
           std::span<const std::int64_t> starts = {}, std::int64_t first_item = -1);
  TensorView fetched(int i) const { return program_->fetched(i); }  // valid until the next run, while the feeds live
  // Every sample of the feeds, the requested batch at a time, as steps 0, 1, ...: one tensor a fetched port.
  std::vector<Tensor> run_all(std::span<const TensorView> feeds, std::int64_t samples, std::uint64_t seed);

 private:
  void fill(const std::vector<TensorView>& values, const std::vector<std::size_t>& places);

  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<ParameterStore> weights_;
  std::vector<Port> fetch_;
  std::int64_t batch_;
  std::vector<TensorView> fed_;                  // of the last run: a fed port that is fetched is a view of it
  std::vector<std::size_t> iterated_, drawn_;    // places in fed_ of iterated ports, and of the autoregressive inputs
  std::unique_ptr<IterationSampler> iteration_;  // null where the entry does not iterate
  std::unique_ptr<AncestralSampler> ancestral_;  // null where no input is autoregressive
  std::unique_ptr<Program> program_;
};

}  // namespace loom
