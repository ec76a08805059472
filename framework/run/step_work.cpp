#include "run/step_work.h"

#include <string>
#include <utility>

namespace loom {
namespace {

std::pair<const char*, std::string> words_of(const Graph& graph, const TapeStep& step) {
  const std::string path = step.node >= 0 ? graph.node(step.node).path : "";
  switch (step.kind) {
    case TapeStep::Kind::forward: return {"forward", path};
    case TapeStep::Kind::backward: return {"backward", path};
    case TapeStep::Kind::seed: return {"seed", ""};
    case TapeStep::Kind::sum: return {"sum of gradients", ""};
    case TapeStep::Kind::gather: return {"sums of forward", path};
    case TapeStep::Kind::finish: return {"end of sums", path};
    case TapeStep::Kind::gather_backward: return {"sums of backward", path};
    case TapeStep::Kind::finish_backward: return {"end of sums", path};
    case TapeStep::Kind::repeat: return {"forward again", path};
    case TapeStep::Kind::spread: return {"copies for each sample", ""};
    case TapeStep::Kind::sum_rows: return {"sum of gradients", ""};
  }
  return {"", ""};
}

double bytes_of(const std::vector<TensorView>& views) {
  double bytes = 0;
  for (const TensorView& view : views) {
    if (view.shape().rank() > 0) bytes += static_cast<double>(view.bytes());
  }
  return bytes;
}

}  // namespace

void StepNames::bind(Trace* trace, const Graph& graph, const Tape& tape) {
  if (trace == trace_) return;
  trace_ = trace;
  names_.clear();
  if (trace == nullptr) return;
  for (const TapeStep& step : tape.steps) {
    const auto [category, path] = words_of(graph, step);
    names_.push_back(trace->name(category, path));
  }
}

void add_work(const Graph& graph, const Tape& tape, const Instance& instance, double samples,
              std::vector<StepWork>& work) {
  const double times = samples / static_cast<double>(instance.samples());
  for (const TapeStep& step : tape.steps) {
    if (step.node < 0 || !instance.has(step.node)) continue;
    const auto [category, path] = words_of(graph, step);
    const StepContext context = instance.make_context(graph, tape, step);
    const double bytes = bytes_of(context.inputs) + bytes_of(context.outputs) + bytes_of(context.diff_inputs) +
                         bytes_of(context.diff_outputs);
    work.push_back({category, path, times * instance.flop(step), times * bytes,
                    instance.node(step.node).node->implementation(step.is_backward())});
  }
}

}  // namespace loom
