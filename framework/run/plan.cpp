#include "run/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "run/placement.h"

namespace loom {
namespace {

// An object that steps read and write: a root value, a node's saved memory, a gradient slot, sums over the batch.
struct Resource {
  int last_writer = -1;
  std::vector<int> readers;  // since the last write
  std::vector<int> users;    // every step that touches it
};

struct ArenaBlock {
  PlannedBlock* block;
  std::size_t bytes;
  int first, last;  // tape positions of the first and last use
  int stage;
  std::vector<int> users;
  std::size_t offset = 0;
};

class Planner {
 public:
  Planner(const Graph& graph, const Tape& tape, bool training, std::int64_t shard,
          const std::vector<StepMemory>& memory)
      : graph_(graph), tape_(tape), training_(training), shard_(shard), memory_(memory) {}

  Plan plan() {
    const std::size_t steps = tape_.steps.size();
    plan_.stage.assign(steps, 0);
    plan_.whole_batch.assign(steps, false);
    plan_.predecessors.resize(steps);
    plan_.values.resize(tape_.values.size());
    plan_.scratch.resize(steps);
    plan_.saved.resize(steps);
    plan_.saver.assign(steps, -1);
    last_saver_.assign(static_cast<std::size_t>(graph_.size()), -1);
    values_.resize(tape_.values.size());
    saved_.resize(steps);
    slots_.resize(static_cast<std::size_t>(tape_.slot_count));
    sums_.resize(tape_.sums.size());
    for (std::size_t i = 0; i < steps; ++i) visit(static_cast<int>(i));
    group_stages();
    place_values();
    assign_offsets();
    keep_edges_within_stages();
    return std::move(plan_);
  }

 private:
  const TapeStep& step(int i) const { return tape_.steps[static_cast<std::size_t>(i)]; }

  void read(int i, Resource& resource, std::set<int>& before) {
    if (resource.last_writer >= 0 && resource.last_writer != i) before.insert(resource.last_writer);
    resource.readers.push_back(i);
    resource.users.push_back(i);
  }

  void write(int i, Resource& resource, std::set<int>& before) {
    if (resource.last_writer >= 0 && resource.last_writer != i) before.insert(resource.last_writer);
    for (int reader : resource.readers) {
      if (reader != i) before.insert(reader);
    }
    resource.last_writer = i;
    resource.readers.clear();
    resource.users.push_back(i);
  }

  Resource& value(int v) { return values_[static_cast<std::size_t>(tape_.root(v))]; }

  void visit(int i) {
    const TapeStep& s = step(i);
    std::set<int> before;
    const bool writes_outputs = !s.is_backward();
    for (int v : s.inputs)
      if (v >= 0) read(i, value(v), before);
    for (int v : s.diff_outputs)
      if (v >= 0) read(i, value(v), before);
    for (int v : s.outputs)
      if (v >= 0) writes_outputs ? write(i, value(v), before) : read(i, value(v), before);
    for (int v : s.diff_inputs)
      if (v >= 0) write(i, value(v), before);
    for (int slot : s.gradient_slots)
      if (slot >= 0) write(i, slots_[static_cast<std::size_t>(slot)], before);
    visit_saved(i, before);
    visit_sums(i, before);
    const bool whole = s.is_finish() || (s.node >= 0 && graph_.node(s.node).is_whole_batch(training_));
    plan_.whole_batch[static_cast<std::size_t>(i)] = whole;
    int stage = std::max(s.least_stage, whole ? 1 : 0);
    for (int p : before) {
      const bool both = plan_.whole_batch[static_cast<std::size_t>(p)] == whole;
      stage = std::max(stage, plan_.stage[static_cast<std::size_t>(p)] + (both ? 0 : 1));
    }
    // Backward steps keep the tape's order: the gradients of one branch are used up before the next one's are made.
    const bool is_forward =
        s.kind == TapeStep::Kind::forward || s.kind == TapeStep::Kind::gather || s.kind == TapeStep::Kind::finish;
    if (!is_forward) {
      const bool fits = (backward_stage_ % 2 == 1) == whole;
      stage = backward_stage_ = std::max(stage, backward_stage_ + (fits ? 0 : 1));
    }
    plan_.stage[static_cast<std::size_t>(i)] = stage;
    plan_.predecessors[static_cast<std::size_t>(i)].assign(before.begin(), before.end());
  }

  // Backward steps read what the forward step saved, or the last one that computed it again.
  void visit_saved(int i, std::set<int>& before) {
    const TapeStep& s = step(i);
    const bool writes = s.kind == TapeStep::Kind::forward || s.kind == TapeStep::Kind::repeat;
    if (!writes && !s.is_backward()) return;
    int& last = last_saver_[static_cast<std::size_t>(s.node)];
    if (writes) last = i;
    plan_.saver[static_cast<std::size_t>(i)] = last;
    Resource& saved = saved_[static_cast<std::size_t>(last)];
    writes ? write(i, saved, before) : read(i, saved, before);
  }

  void visit_sums(int i, std::set<int>& before) {
    const TapeStep& s = step(i);
    const auto visit = [&](int sums, bool writes) {
      if (sums < 0) return;
      Resource& resource = sums_[static_cast<std::size_t>(sums)];
      writes ? write(i, resource, before) : read(i, resource, before);
    };
    visit(s.sums, s.kind == TapeStep::Kind::gather || s.kind == TapeStep::Kind::finish);
    visit(s.diff_sums, s.kind == TapeStep::Kind::gather_backward || s.kind == TapeStep::Kind::finish_backward);
  }

  void group_stages() {
    for (std::size_t i = 0; i < plan_.stage.size(); ++i) {
      const auto stage = static_cast<std::size_t>(plan_.stage[i]);
      if (plan_.stages.size() <= stage) plan_.stages.resize(stage + 1);
      plan_.stages[stage].push_back(static_cast<int>(i));
    }
  }

  // True if all uses are in one stage that runs shard by shard.
  bool local(const std::vector<int>& users) const {
    return std::all_of(users.begin(), users.end(), [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      return !plan_.whole_batch[at] && plan_.stage[at] == plan_.stage[static_cast<std::size_t>(users.front())];
    });
  }

  void add_arena(PlannedBlock& block, std::vector<int> users) {
    block.storage = Storage::arena;
    block.bytes = aligned_bytes(block.bytes);
    const auto [first, last] = std::minmax_element(users.begin(), users.end());
    const int stage = plan_.stage[static_cast<std::size_t>(*first)];
    arena_.push_back({&block, block.bytes, *first, *last, stage, std::move(users)});
  }

  // `kept`: it is read after the last stage, where a run is over, and stays what it is until the next one.
  void keep_for_batch(PlannedBlock& block, const std::vector<int>& users, bool kept) {
    block.storage = Storage::batch;
    const auto last = static_cast<int>(plan_.stages.size());
    block.first_stage = kept || users.empty() ? 0 : last;
    block.last_stage = kept || users.empty() ? last : 0;
    for (const int user : users) {
      const int stage = plan_.stage[static_cast<std::size_t>(user)];
      block.first_stage = std::min(block.first_stage, stage);
      block.last_stage = std::max(block.last_stage, stage);
    }
  }

  void place_values() {
    std::set<int> kept;
    for (int v : tape_.term_values) kept.insert(tape_.root(v));
    for (int v : tape_.fetch_values) kept.insert(tape_.root(v));
    for (int v : tape_.input_gradient_values)
      if (v >= 0) kept.insert(tape_.root(v));
    for (std::size_t v = 0; v < values_.size(); ++v) {
      const TapeValue& value = tape_.values[v];
      PlannedBlock& block = plan_.values[v];
      block.per_sample = value.shape.per_sample();
      block.type = value.dtype;
      const std::size_t bytes = static_cast<std::size_t>(value.shape.count()) * size_of(block.type);
      const bool is_kept = kept.count(static_cast<int>(v)) > 0;
      if (value.feed >= 0) {
        block.storage = Storage::feed;
        block.bytes = bytes;
      } else if (value.alias_of < 0 && (is_kept || !local(values_[v].users))) {
        keep_for_batch(block, values_[v].users, is_kept);
        block.bytes = bytes;
      } else if (value.alias_of < 0 && !values_[v].users.empty()) {
        block.bytes = block.per_sample ? bytes * static_cast<std::size_t>(shard_) : bytes;
        add_arena(block, values_[v].users);
      }
    }
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if (memory_[i].scratch > 0 && !plan_.whole_batch[i]) {
        plan_.scratch[i].bytes = memory_[i].scratch;
        add_arena(plan_.scratch[i], {static_cast<int>(i)});
      }
      if (memory_[i].saved == 0) continue;
      plan_.saved[i].bytes = aligned_bytes(memory_[i].saved);
      if (local(saved_[i].users))
        add_arena(plan_.saved[i], saved_[i].users);
      else
        keep_for_batch(plan_.saved[i], saved_[i].users, false);
    }
  }

  // If two blocks share bytes, the first use of the later one waits for the last use of the earlier one. This keeps
  // independent branches free to run in parallel wherever they do not share memory.
  void assign_offsets() {
    plan_.arena_bytes = place_blocks(arena_, [](const ArenaBlock& a, const ArenaBlock& b) {
      return a.stage == b.stage && a.first <= b.last && b.first <= a.last;
    });
    for (const ArenaBlock& placed : arena_) placed.block->offset = placed.offset;
    for (const ArenaBlock& a : arena_) {
      for (const ArenaBlock& b : arena_) {
        const bool shares = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        if (a.last >= b.first || !shares) continue;
        auto& before = plan_.predecessors[static_cast<std::size_t>(b.first)];
        before.insert(before.end(), a.users.begin(), a.users.end());
      }
    }
  }

  void keep_edges_within_stages() {
    for (std::size_t i = 0; i < plan_.predecessors.size(); ++i) {
      auto& before = plan_.predecessors[i];
      std::erase_if(before, [&](int p) { return plan_.stage[static_cast<std::size_t>(p)] != plan_.stage[i]; });
      std::sort(before.begin(), before.end());
      before.erase(std::unique(before.begin(), before.end()), before.end());
    }
  }

  const Graph& graph_;
  const Tape& tape_;
  bool training_;
  std::int64_t shard_;
  const std::vector<StepMemory>& memory_;
  Plan plan_;
  int backward_stage_ = 0;       // of the last one
  std::vector<int> last_saver_;  // per node, so far
  std::vector<Resource> values_, saved_, slots_, sums_;
  std::vector<ArenaBlock> arena_;
};

}  // namespace

Plan make_plan(const Graph& graph, const Tape& tape, bool training, std::int64_t shard,
               const std::vector<StepMemory>& memory) {
  return Planner(graph, tape, training, shard, memory).plan();
}

}  // namespace loom
