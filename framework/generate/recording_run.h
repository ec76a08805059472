// Ports of a graph over a recording of any length. Where every node on the way sees only so far, the recording is computed in
// windows (recording_windows.h), and memory does not grow with its length beyond its samples, which stay in memory: the
// values are those of the whole, up to the rounding of sums in another order. As many windows at once as there are threads;
// one where a node draws, which then draws what it would for the whole. Otherwise the graph opens at the whole length.
//
// Thread safety: one thread. Errors: those of the graph and of the data, node_failed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "generate/encodings.h"
#include "generate/recording_windows.h"

namespace loom {

struct RecordingRequest {
  const ModelSource& model;                             // the run, for its data
  std::function<ModelSource()> open;                    // the run, not fitted to any data
  std::function<Encodings(const ModelSource&)> wanted;  // the graph that is computed, and ports of it
  std::uint64_t seed = 1;                               // of what the graph draws on the way
  std::int64_t core = 0;                                // of plan_windows()
  std::function<void(const std::string&)> notice =
      nullptr;  // of a long recording that is computed whole: once, and why
};

// A result: [1, positions, ...], as long as the recording where the port's positions follow those of the recording.
struct RecordingArray {
  Port port;
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

struct RecordingSink {
  // Once, before the values.
  std::function<void(const std::vector<RecordingArray>&)> begin;
  // The next positions of array i, [1, positions, ...]. `model` and `graph` are what they were computed with.
  std::function<void(std::size_t i, const TensorView& values, const ModelSource& model, const Graph& graph)> add;
};

// What was done.
struct RecordingRun {
  WindowPlan plan;
  std::string
      obstacle;  // why the recording was not cut, "the node 'a' (attention) may read all positions"; "": it can be
};
RecordingRun run_recording(const RecordingRequest& request, const Recording& recording, Executor& executor,
                           const RecordingSink& sink);

}  // namespace loom
