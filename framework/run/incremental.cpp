#include "run/incremental.h"

#include <algorithm>
#include <map>
#include <vector>

#include "loom/error.h"
#include "run/incremental_group.h"

namespace loom {

std::int64_t incremental_group(std::int64_t samples) { return std::clamp<std::int64_t>((samples + 1) / 2, 1, 4); }

class IncrementalProgram::Impl {
 public:
  Impl(BoundGraph graph, IncrementalRequest request, IncrementalPlan plan)
      : graph_(std::move(graph)),
        request_(std::move(request)),
        plan_(std::move(plan)),
        lanes_(static_cast<std::size_t>(graph_.executor.threads())) {
    if (!plan_.obstacle.empty()) throw Error(ErrorCode::not_supported, plan_.obstacle);
    ProgramRequest wanted;
    wanted.feeds = request_.feeds;
    wanted.batch = request_.batch;
    for (const Port port : plan_.conditions) {
      const auto fed = std::ranges::find(request_.feeds, port);
      sources_.push_back(fed != request_.feeds.end() ? -1 - static_cast<int>(fed - request_.feeds.begin())
                                                     : static_cast<int>(wanted.fetch.size()));
      if (fed == request_.feeds.end()) wanted.fetch.push_back(port);
    }
    if (!wanted.fetch.empty())
      conditions_ = std::make_unique<Program>(graph_.graph, graph_.store, graph_.executor, std::move(wanted));
  }

  void run(const StepInput& input, const TensorView& drawn, std::span<const std::uint8_t> kept) {
    if (conditions_) conditions_->run(input);
    std::vector<TensorView> conditions;
    for (const int source : sources_) {
      conditions.push_back(source < 0 ? input.feeds[static_cast<std::size_t>(-1 - source)]
                                      : conditions_->fetched(source));
    }
    const std::int64_t size = incremental_group(request_.batch), groups = (input.samples + size - 1) / size;
    graph_.executor.run([&] {
      nodes_for(std::min(size, input.samples));
      if (input.samples % size != 0) nodes_for(input.samples % size);
    });
    const auto lanes = std::min<std::int64_t>(static_cast<std::int64_t>(lanes_.size()), groups);
    graph_.executor.run([&] {
      graph_.executor.parallel_for(lanes, 1, [&](std::int64_t lane, std::int64_t) {
        for (std::int64_t group = lane; group < groups; group += lanes) {
          const std::int64_t first = group * size, count = std::min(size, input.samples - first);
          group_of(lane, count).run(input, first, conditions, drawn, kept);
        }
      });
    });
  }

  std::size_t memory_bytes() {
    const IncrementalNodes& nodes = nodes_for(incremental_group(request_.batch));
    return IncrementalGroup(*graph_.graph, plan_, request_, nodes).memory_bytes();
  }

 private:
  IncrementalNodes& nodes_for(std::int64_t samples) {
    std::unique_ptr<IncrementalNodes>& nodes = nodes_[samples];
    if (!nodes) nodes = std::make_unique<IncrementalNodes>(*graph_.graph, plan_, request_, graph_.store, samples);
    nodes->pack(graph_.store.version());
    return *nodes;
  }

  IncrementalGroup& group_of(std::int64_t lane, std::int64_t samples) {
    std::unique_ptr<IncrementalGroup>& group = lanes_[static_cast<std::size_t>(lane)][samples];
    if (!group) group = std::make_unique<IncrementalGroup>(*graph_.graph, plan_, request_, *nodes_.at(samples));
    return *group;
  }

  BoundGraph graph_;
  IncrementalRequest request_;
  IncrementalPlan plan_;
  std::vector<int> sources_;  // per condition: a fetch of the program, or -1 - the feed
  std::unique_ptr<Program> conditions_;
  std::map<std::int64_t, std::unique_ptr<IncrementalNodes>> nodes_;
  std::vector<std::map<std::int64_t, std::unique_ptr<IncrementalGroup>>> lanes_;
};

IncrementalProgram::IncrementalProgram(BoundGraph graph, IncrementalRequest request, IncrementalPlan plan)
    : impl_(std::make_unique<Impl>(std::move(graph), std::move(request), std::move(plan))) {}
IncrementalProgram::~IncrementalProgram() = default;
void IncrementalProgram::run(const StepInput& input, const TensorView& drawn, std::span<const std::uint8_t> kept) {
  impl_->run(input, drawn, kept);
}
std::size_t IncrementalProgram::memory_bytes() const { return impl_->memory_bytes(); }

}  // namespace loom
