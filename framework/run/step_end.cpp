#include "run/step_end.h"

#include <algorithm>
#include <map>
#include <string>

namespace loom {
namespace {

bool is_owner(const GraphNode& node) {
  return std::ranges::all_of(node.states, [&](const GraphParameter& state) { return node.owns(state); }) &&
         std::ranges::all_of(node.parameters, [&](const GraphParameter& item) { return node.owns(item); });
}

// The same for nodes that move the same values.
std::string key_of(const GraphNode& node) {
  std::string key;
  for (const GraphParameter& parameter : node.parameters) {
    if (node.contract().parameters()[static_cast<std::size_t>(parameter.declaration)].set_by_node)
      key += parameter.path + "\n";
  }
  for (const GraphParameter& state : node.states) {
    if (!node.contract().states()[static_cast<std::size_t>(state.declaration)].is_own) key += state.path + "\n";
  }
  return key.empty() ? node.path : node.type->name + "\n" + key;
}

}  // namespace

StepEnd::StepEnd(const Graph& graph, const Tape& tape, const ParameterStore& store, const BatchState& batch,
                 std::span<float> tallies)
    : store_(store) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    const TapeStep& step = tape.steps[i];
    if (step.kind != TapeStep::Kind::forward) continue;
    const GraphNode& node = graph.node(step.node);
    if (node.tallies.empty() || !node.trains(batch.training)) continue;
    const auto [place, fresh] = places.emplace(key_of(node), groups_.size());
    Group& group = fresh ? groups_.emplace_back() : groups_[place->second];
    Member member{step.node, static_cast<int>(i), {}};
    member.tallies.resize(node.contract().tallies().size());
    for (std::size_t k = 0; k < node.tallies.size(); ++k) {
      const auto offset = static_cast<std::size_t>(batch.tally_offsets[static_cast<std::size_t>(step.node)][k]);
      member.tallies[static_cast<std::size_t>(node.tallies[k].declaration)] =
          TensorView(DType::f32, node.tallies[k].shape, tallies.data() + offset);
    }
    if (is_owner(node)) group.owner = group.members.size();
    group.members.push_back(std::move(member));
  }
  for (Group& group : groups_) finish(group);
}

void StepEnd::finish(Group& group) {
  for (const Member& member : group.members) group.sharers.push_back({member.tallies, {}});
  group.total = group.members.front().tallies;
  if (group.members.size() == 1) return;
  for (std::size_t t = 0; t < group.total.size(); ++t) {
    group.sums.emplace_back();
    for (const Member& member : group.members) {
      if (!member.tallies[t].empty()) group.sums[t] = Tensor(DType::f32, member.tallies[t].shape());
    }
    if (group.sums[t].shape().rank() > 0) group.total[t] = group.sums[t].view();
  }
}

void StepEnd::sum(Group& group) {
  for (std::size_t t = 0; t < group.sums.size(); ++t) {
    if (group.total[t].empty()) continue;
    const std::span<float> total = group.total[t].values();
    std::ranges::fill(total, 0.0F);
    for (const Member& member : group.members) {
      if (member.tallies[t].empty()) continue;
      const std::span<const float> part = member.tallies[t].values();
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
    }
  }
}

void StepEnd::note_replaced(const GraphNode& node) {
  for (const EndStep::Replaced& range : own_) {
    for (const GraphParameter& parameter : node.parameters) {
      if (parameter.declaration == range.parameter)
        replaced_.push_back({store_.find(parameter.path), range.first, range.count});
    }
  }
}

}  // namespace loom
