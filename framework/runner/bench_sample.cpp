#include "runner/bench_sample.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/clock.h"
#include "generate/ancestral.h"
#include "generate/entry.h"
#include "loom/error.h"
#include "runner/console.h"

namespace loom::runner {

int bench_sample(const ModelSource& model, const SampleBench& request, bool json) {
  const GenerateEntry entry = sampling_entry(model, "sample");
  if (entry.autoregressions.empty()) {
    throw Error(ErrorCode::usage, "sampling is not autoregressive: there are no positions to time",
                "omit --sample to time training steps");
  }
  const Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  ParameterStore store(*graph, model.seed());
  Executor executor(request.threads);
  AncestralSampler sampler(rewrite, {graph, store, executor}, entry, request.count, {}, request.incremental);
  std::int64_t positions = 0;
  for (const AutoregressionEntry& item : entry.autoregressions) {
    const Shape& shape = graph->shape(graph->port(rewrite.resolved(item.input)));
    const auto first = static_cast<int>(item.axis), last = first + static_cast<int>(item.axes);
    positions += shape.count_from(first) / shape.count_from(last);
  }
  std::vector<double> seconds;
  for (std::int64_t step = 0; step <= request.steps; ++step) {
    const Stopwatch watch;
    sampler.draw({.feeds = {},
                  .weights = {},
                  .samples = request.count,
                  .seed = model.seed(),
                  .step = static_cast<std::uint32_t>(step)});
    if (step > 0) seconds.push_back(watch.seconds());
  }
  std::ranges::sort(seconds);
  const double median = (seconds[(seconds.size() - 1) / 2] + seconds[seconds.size() / 2]) / 2;
  const double per_position = median / static_cast<double>(positions), each = static_cast<double>(request.count);
  for (const std::string& obstacle : sampler.obstacles())
    say(fmt::format("each position needs a run of the whole graph, because of {}\n", obstacle));
  if (json) {
    print_json({{"graph", model.document().name},
                {"count", request.count},
                {"threads", executor.threads()},
                {"incremental", request.incremental && sampler.obstacles().empty()},
                {"positions", positions},
                {"ms_per_position", 1e3 * per_position},
                {"seconds", median},
                {"positions_per_s", each / per_position},
                {"samples_per_s", each / median}});
    return kOk;
  }
  print("{}: {} samples of {} positions at once, {} threads\n", model.document().name, request.count, positions,
        executor.threads());
  print("  {:.4f} ms per position, {:.2f} s for all ({:.0f} positions/s)\n", 1e3 * per_position, median,
        each / per_position);
  return kOk;
}

}  // namespace loom::runner
