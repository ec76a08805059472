#include "expr/plan.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "expr/items.h"

namespace loom::formula {
namespace {

using Kind = Operation::Kind;

constexpr std::int64_t kCacheFloats = 6144;  // of all registers: a good half of the smallest first cache, 32 KiB
constexpr std::int64_t kLeastBlock = 128, kLargestBlock = 1024, kBlockUnit = 16;

// How a value of shape `operand` is read in a loop of shape `domain`, which it is broadcast to.
std::vector<Walk> walk_of(const Shape& operand, const Shape& domain) {
  std::vector<Walk> walk;
  std::int64_t stride = 1;
  for (int k = 1; k <= domain.rank(); ++k) {  // from the last axis
    const std::int64_t extent = domain[domain.rank() - k];
    const std::int64_t own = k <= operand.rank() ? operand[operand.rank() - k] : 1;
    if (extent == 1) continue;
    const std::int64_t step = own == 1 ? 0 : stride;
    stride *= own;
    Walk* inner = walk.empty() ? nullptr : &walk.back();
    const bool joins = inner != nullptr &&
                       (step == 0 ? inner->stride == 0 : inner->stride != 0 && step == inner->stride * inner->extent);
    if (joins)
      inner->extent *= extent;
    else
      walk.push_back({extent, step});
  }
  if (walk.empty()) walk.push_back({1, 0});
  std::ranges::reverse(walk);
  return walk;
}

// The stage of an item: (level, scans before loops, values of a row).
using Key = std::tuple<int, int, std::int64_t>;

class Planner {
 public:
  explicit Planner(const PlanRequest& request) : request_(request), items_(make_items(request)) {}

  Plan make() {
    plan_.reads.assign(request_.sources.size(), false);
    for (std::size_t i = 0; i < items_.size(); ++i) place(static_cast<Id>(i));
    mark_memory();
    for (const Item& item : items_) collect_constants(item);
    const auto constants = static_cast<std::uint16_t>(plan_.constants.size());
    for (const auto& [key, ids] : stages_) {
      if (std::get<1>(key) == 0) {
        for (const Id id : ids) add_scan(id);
      } else {
        add_loop(key, ids);
      }
    }
    renumber(constants);
    choose_block();
    plan_.zero_targets.assign(request_.results.size(), -1);
    for (std::size_t k = 0; k < request_.results.size(); ++k) {
      if (request_.results[k] == kNone) plan_.zero_targets[k] = request_.counts[k];
    }
    return std::move(plan_);
  }

 private:
  const Item& item(Id id) const { return items_[static_cast<std::size_t>(id)]; }

  // The stage that computes an item.
  Key key_of(Id id) const {
    const Item& one = item(id);
    if (one.is_scan()) return {one.level, 0, 0};
    if (one.is_reduction()) {
      const Item& operand = item(one.operation.operands[0]);
      return {operand.level, 1, operand.count()};
    }
    return {one.level, 1, one.count()};
  }

  void place(Id id) {
    const Item& one = item(id);
    if (one.is_fused || one.operation.kind == Kind::input || one.operation.kind == Kind::constant) return;
    stages_[key_of(id)].push_back(id);
  }

  // Values that another stage reads lie in memory.
  void mark_memory() {
    memory_.assign(items_.size(), Place{Place::Kind::temporary, -1, 0});
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& user = items_[i];
      if (user.is_fused) continue;
      for (const Id operand : user.operation.operands) {
        if (operand == kNone) continue;
        const Item& one = item(operand);
        if (one.operation.kind == Kind::constant || one.operation.kind == Kind::input) continue;
        if (!one.is_element() || user.is_scan() || key_of(operand) != key_of(static_cast<Id>(i)))
          temporary_for(operand);
      }
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& one = items_[i];
      Place& memory = memory_[i];
      if (one.operation.kind == Kind::input) {
        const auto index = static_cast<std::size_t>(one.operation.index);
        memory = {Place::Kind::source, one.operation.index, request_.sources[index].count,
                  request_.sources[index].integers};
      } else if (one.target >= 0) {
        memory = {Place::Kind::target, one.target, one.count()};
      } else if (one.is_reduction() || one.is_scan()) {
        temporary_for(static_cast<Id>(i));
      }
    }
  }

  void temporary_for(Id id) {
    Place& memory = memory_[static_cast<std::size_t>(id)];
    if (memory.index >= 0 || item(id).target >= 0) return;
    memory = {Place::Kind::temporary, static_cast<int>(plan_.temporaries.size()), item(id).count()};
    plan_.temporaries.push_back(item(id).count());
  }

  void collect_constants(const Item& user) {
    if (user.is_fused) return;
    for (const Id operand : user.operation.operands) {
      if (operand == kNone || item(operand).operation.kind != Kind::constant) continue;
      const auto value = static_cast<float>(item(operand).operation.p);
      if (std::ranges::find(plan_.constants, value) == plan_.constants.end()) plan_.constants.push_back(value);
    }
  }

  void add_scan(Id id) {
    const Item& one = item(id);
    const int axis = std::countr_zero(one.operation.axes);
    const Shape& shape = one.operation.shape;
    Scan scan{one.operation.kind,
              one.operation.reverse,
              memory_[static_cast<std::size_t>(one.operation.operands[0])],
              memory_[static_cast<std::size_t>(id)],
              1,
              shape[axis],
              shape.count_from(axis + 1),
              one.needed_for};
    for (int i = 0; i < axis; ++i) scan.outer *= shape[i];
    plan_.stages.emplace_back(scan);
  }

  // --- One loop ---
  // Registers are numbered by kind while they are chosen: constants from 0, slots and directs from these on.
  static constexpr int kSlots = 20000, kDirects = 40000;

  void add_loop(const Key& key, const std::vector<Id>& ids) {
    loop_ = Loop{};
    loop_.count = std::get<2>(key);
    register_.clear();
    broadcasts_.clear();
    free_slots_.clear();
    slots_ = 0;
    std::vector<Id> steps;
    for (const Id id : ids) {
      loop_.needed_for |= item(id).needed_for;
      if (item(id).is_element()) steps.push_back(id);
    }
    for (const Id id : ids) add_loads(id);
    find_last_uses(ids, steps);
    for (std::size_t i = 0; i < steps.size(); ++i) add_step(steps[i], static_cast<int>(i));
    for (const Id id : ids) {
      if (item(id).is_reduction()) add_gather(id);
    }
    plan_.slots = std::max(plan_.slots, slots_);
    directs_ = std::max(directs_, static_cast<int>(loop_.directs.size()));
    plan_.stages.emplace_back(std::move(loop_));
  }

  // The shape over which an item's operands are broadcast.
  const Shape& domain_of(const Item& one) const {
    return one.is_reduction() ? item(one.operation.operands[0]).operation.shape : one.operation.shape;
  }

  bool computed_here(Id id) const {
    return item(id).is_element() && key_of(id) == Key{std::get<0>(key_of(id)), 1, loop_.count} &&
           register_.contains(id);
  }

  int take_slot() {
    if (free_slots_.empty()) return kSlots + slots_++;
    const int slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }

  int direct(const Place& place) {
    const auto known = std::ranges::find(loop_.directs, place, &Direct::place);
    if (known != loop_.directs.end()) return known->entry;
    const int entry = kDirects + static_cast<int>(loop_.directs.size());
    loop_.directs.push_back({place, static_cast<std::uint16_t>(entry)});
    if (place.kind == Place::Kind::source) plan_.reads[static_cast<std::size_t>(place.index)] = true;
    return entry;
  }

  // Operands that are in memory and have another shape, or are integers.
  void add_loads(Id id) {
    const Item& user = item(id);
    for (std::size_t i = 0; i < 3; ++i) {
      const Id operand = user.operation.operands[i];
      if (operand == kNone || item(operand).operation.kind == Kind::constant) continue;
      const Place& memory = memory_[static_cast<std::size_t>(operand)];
      if (item(operand).count() == loop_.count && !memory.integers) continue;
      const std::vector<Walk> walk = item(operand).count() == loop_.count ? std::vector<Walk>{{loop_.count, 1}}
                                                                          : walk_of(user.as[i], domain_of(user));
      const int entry = broadcast_entry(operand, walk);
      loop_.loads[static_cast<std::size_t>(entry - kSlots)].needed_for |= user.needed_for;
      broadcasts_[{id, static_cast<int>(i)}] = entry;
    }
  }

  int broadcast_entry(Id operand, const std::vector<Walk>& walk) {
    const Place& memory = memory_[static_cast<std::size_t>(operand)];
    const auto same = [&](const Load& load) {
      return load.from == memory && std::ranges::equal(load.walk, walk, [](const Walk& a, const Walk& b) {
               return a.extent == b.extent && a.stride == b.stride;
             });
    };
    const auto known = std::ranges::find_if(loop_.loads, same);
    if (known != loop_.loads.end()) return known->entry;
    const int entry = take_slot();
    if (memory.kind == Place::Kind::source) plan_.reads[static_cast<std::size_t>(memory.index)] = true;
    loop_.loads.push_back({memory, walk, static_cast<std::uint16_t>(entry), 0});
    return entry;
  }

  // The register of an operand.
  int entry_of(Id user, int i) {
    const Id operand = item(user).operation.operands[static_cast<std::size_t>(i)];
    const Item& one = item(operand);
    if (one.operation.kind == Kind::constant) {
      const auto at = std::ranges::find(plan_.constants, static_cast<float>(one.operation.p));
      return static_cast<int>(at - plan_.constants.begin());
    }
    if (const auto broadcast = broadcasts_.find({user, i}); broadcast != broadcasts_.end()) return broadcast->second;
    if (const auto own = register_.find(operand); own != register_.end()) return own->second;
    return direct(memory_[static_cast<std::size_t>(operand)]);
  }

  // After which step a register is free; those of reductions never are.
  void find_last_uses(const std::vector<Id>& ids, const std::vector<Id>& steps) {
    last_use_.clear();
    const auto note = [&](Id user, int time) {
      for (int i = 0; i < 3; ++i) {
        const Id operand = item(user).operation.operands[static_cast<std::size_t>(i)];
        if (operand == kNone) continue;
        const auto broadcast = broadcasts_.find({user, i});
        int& last = broadcast != broadcasts_.end() ? last_use_[{kNone, broadcast->second}] : last_use_[{operand, 0}];
        last = std::max(last, time);
      }
    };
    for (std::size_t time = 0; time < steps.size(); ++time) note(steps[time], static_cast<int>(time));
    for (const Id id : ids) {
      if (item(id).is_reduction()) note(id, static_cast<int>(steps.size()));
    }
  }

  void free_after(Id user, int time) {
    for (int i = 0; i < 3; ++i) {
      const Id operand = item(user).operation.operands[static_cast<std::size_t>(i)];
      if (operand == kNone) continue;
      const auto broadcast = broadcasts_.find({user, i});
      const bool is_load = broadcast != broadcasts_.end();
      const auto own = register_.find(operand);
      if (!is_load && own == register_.end()) continue;
      const int entry = is_load ? broadcast->second : own->second;
      auto& last = is_load ? last_use_[{kNone, entry}] : last_use_[{operand, 0}];
      if (last != time || entry < kSlots || entry >= kDirects) continue;
      last = -1;  // of two operands that are the same
      free_slots_.push_back(entry);
    }
  }

  void add_step(Id id, int time) {
    const Item& one = item(id);
    math::BlockStep step{one.operation.op};
    std::uint16_t* const operands[] = {&step.a, &step.b, &step.c};
    for (int i = 0; i < one.operation.operand_count(); ++i) *operands[i] = static_cast<std::uint16_t>(entry_of(id, i));
    step.p = static_cast<float>(one.operation.p);
    step.q = static_cast<float>(one.operation.q);
    step.needed_for = one.needed_for;
    free_after(id, time);
    const Place& memory = memory_[static_cast<std::size_t>(id)];
    const int entry = memory.index >= 0 ? direct(memory) : take_slot();
    register_[id] = entry;
    step.y = static_cast<std::uint16_t>(entry);
    loop_.steps.push_back(step);
  }

  void add_gather(Id id) {
    const Item& one = item(id);
    Gather gather{one.operation.reduction, static_cast<std::uint16_t>(entry_of(id, 0)),
                  memory_[static_cast<std::size_t>(id)].index, one.count(), walk_of(one.operation.shape, one.as[0])};
    gather.needed_for = one.needed_for;
    if (gather.walk.back().stride == 0) {
      gather.sums = plan_.sums;
      plan_.sums += gather.count;
    }
    loop_.gathers.push_back(std::move(gather));
  }

  // The table holds constants, slots and directs one after the other.
  void renumber(std::uint16_t constants) {
    const auto moved = [&](std::uint16_t& entry) {
      if (entry >= kDirects)
        entry = static_cast<std::uint16_t>(entry - kDirects + constants + plan_.slots);
      else if (entry >= kSlots)
        entry = static_cast<std::uint16_t>(entry - kSlots + constants);
    };
    for (auto& stage : plan_.stages) {
      auto* loop = std::get_if<Loop>(&stage);
      if (loop == nullptr) continue;
      for (Direct& one : loop->directs) moved(one.entry);
      for (Load& one : loop->loads) moved(one.entry);
      for (Gather& one : loop->gathers) moved(one.entry);
      for (math::BlockStep& step : loop->steps) {
        for (std::uint16_t* entry : {&step.y, &step.a, &step.b, &step.c}) moved(*entry);
      }
    }
    plan_.entries = constants + plan_.slots + directs_;
  }

  void choose_block() {
    const std::int64_t registers =
        std::max<std::int64_t>(1, plan_.slots + static_cast<std::int64_t>(plan_.constants.size()));
    plan_.block = std::clamp(kCacheFloats / registers / kBlockUnit * kBlockUnit, kLeastBlock, kLargestBlock);
    std::int64_t longest = 1;
    for (const auto& stage : plan_.stages) {
      if (const auto* loop = std::get_if<Loop>(&stage)) longest = std::max(longest, loop->count);
    }
    plan_.rows = std::max<std::int64_t>(1, plan_.block / longest);
    for (const std::int64_t count : plan_.temporaries) {
      plan_.temporaries_at.push_back(plan_.temporary_floats);
      plan_.temporary_floats += (count * plan_.rows + kBlockUnit - 1) / kBlockUnit * kBlockUnit;
    }
  }

  const PlanRequest& request_;
  std::vector<Item> items_;
  std::map<Key, std::vector<Id>> stages_;
  std::vector<Place> memory_;  // of each item; a temporary of index -1: a register of its loop only
  Plan plan_;
  int directs_ = 0;

  Loop loop_;
  std::map<Id, int> register_;                    // of the values that the loop computes
  std::map<std::pair<Id, int>, int> broadcasts_;  // the register of an item's operand that is loaded
  std::map<std::pair<Id, int>, int> last_use_;
  std::vector<int> free_slots_;
  int slots_ = 0;
};

}  // namespace

Plan make_plan(const PlanRequest& request) { return Planner(request).make(); }

}  // namespace loom::formula
