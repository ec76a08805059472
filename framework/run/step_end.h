// The end of a training step: tallies become states. Nodes that share their states sum their tallies, and one of them,
// the owner if it takes part, moves the states once.
//
// Internal to framework/run. Ownership: refers to the graph and to the first lane's tallies, into which those of the
// others have been added. Thread safety: one thread. A warmed-up step allocates nothing.
#pragma once

#include <span>
#include <vector>

#include "run/call.h"
#include "run/lane.h"

namespace loom {

class StepEnd {
 public:
  StepEnd(const Graph& graph, const Tape& tape, const ParameterStore& store, const BatchState& batch,
          std::span<float> tallies);

  bool moves() const { return !groups_.empty(); }
  // `prepared_of(step, node)` is the node as it was called in a step of the tape; `guarded(step, body)` runs the body.
  template <class PreparedOf, class Guarded>
  void run(const BatchState& batch, const PreparedOf& prepared_of, const Guarded& guarded) {
    replaced_.clear();
    for (Group& group : groups_) {
      sum(group);
      for (std::size_t i = 0; i < group.members.size(); ++i)
        group.sharers[i].state_views = prepared_of(group.members[i].step, group.members[i].node).states;
      const Member& owner = group.members[group.owner];
      const PreparedNode& prepared = prepared_of(owner.step, owner.node);
      const RandomStream stream(batch.seed, stream_of(batch.graph->node(owner.node).path), batch.step);
      EndStep call = end_step_call(prepared, stream, group.total, group.sharers);
      own_.clear();
      call.replacements = &own_;
      guarded(owner.step, [&] { prepared.node->end_step(call); });
      note_replaced(batch.graph->node(owner.node));
    }
  }
  std::span<const ReplacedValues> replaced() const { return replaced_; }

 private:
  struct Member {
    int node, step;                   // step: of the tape, its forward
    std::vector<TensorView> tallies;  // in declaration order; empty where the options leave one out
  };
  struct Group {
    std::vector<Member> members;  // in the order of the tape
    std::size_t owner = 0;
    std::vector<EndStep::Sharer> sharers;
    std::vector<Tensor> sums;  // of several members
    std::vector<TensorView> total;
  };
  static void sum(Group& group);
  static void finish(Group& group);
  void note_replaced(const GraphNode& node);

  const ParameterStore& store_;
  std::vector<Group> groups_;
  std::vector<EndStep::Replaced> own_;
  std::vector<ReplacedValues> replaced_;
};

}  // namespace loom
