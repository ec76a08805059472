#include "run/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "loom/error.h"

namespace loom {
namespace {

// The values that a step reads and the values that it writes; a sum also reads the value that it writes.
template <class Body>
void for_each_read(TapeStep& step, const Body& body) {
  for (int& value : step.inputs) body(value);
  for (int& value : step.diff_outputs) body(value);
  if (!step.is_backward()) return;
  for (int& value : step.outputs) body(value);
}
template <class Body>
void for_each_write(const TapeStep& step, const Body& body) {
  for (const int value : step.is_backward() ? step.diff_inputs : step.outputs) body(value);
}

// How often each root value is written (with any shape) and read; a value that is requested counts as written.
struct Uses {
  std::vector<int> writes, reads;

  explicit Uses(const Tape& tape) : writes(tape.values.size(), 0), reads(tape.values.size(), 0) {
    const auto add = [&](std::vector<int>& counts, int value) {
      if (value >= 0) ++counts[static_cast<std::size_t>(tape.root(value))];
    };
    for (TapeStep step : tape.steps) {
      for_each_read(step, [&](int value) { add(reads, value); });
      for_each_write(step, [&](int value) { add(writes, value); });
    }
    for (const auto* wanted : {&tape.term_values, &tape.fetch_values, &tape.input_gradient_values}) {
      for (const int value : *wanted) add(writes, value);
    }
  }
  bool may_be_cast(const Tape& tape, int value) const {
    const auto at = static_cast<std::size_t>(value);
    return tape.root(value) == value && tape.values[at].feed < 0 && writes[at] == 1 && reads[at] > 0;
  }
};

class Casts {
 public:
  Casts(Tape tape, const StorageRule& rule) : tape_(std::move(tape)) {
    const Uses uses(tape_);
    const int count = static_cast<int>(tape_.values.size());
    std::vector<std::pair<int, DType>> chosen;
    for (int value = 0; value < count; ++value) {
      if (!uses.may_be_cast(tape_, value)) continue;
      if (const auto type = rule(tape_, value)) chosen.emplace_back(value, *type);
    }
    for (const auto& [value, type] : chosen) stored_[value] = add_value(value, type, "stored");
  }

  Tape planned() {
    std::vector<TapeStep> steps;
    for (TapeStep& step : tape_.steps) {
      std::map<int, int> loaded;  // one cast of a value for each step that reads it
      for_each_read(step, [&](int& value) {
        const auto stored = value < 0 ? stored_.end() : stored_.find(tape_.root(value));
        if (stored == stored_.end()) return;
        const auto [it, is_new] = loaded.try_emplace(value, -1);
        if (is_new) {
          it->second = add_value(value, tape_.values[static_cast<std::size_t>(value)].dtype, "cast");
          steps.push_back(cast(stored->second, it->second));
        }
        value = it->second;
      });
      steps.push_back(step);
      for_each_write(step, [&](int value) {
        const auto stored = stored_.find(value);
        if (stored != stored_.end()) steps.push_back(cast(value, stored->second));
      });
    }
    tape_.steps = std::move(steps);
    return std::move(tape_);
  }

 private:
  // A new value with the shape of `like`.
  int add_value(int like, DType type, const char* what) {
    TapeValue value = tape_.values[static_cast<std::size_t>(like)];
    value.dtype = type;
    value.alias_of = -1;
    value.name = fmt::format("{} ({})", value.name, what);
    tape_.values.push_back(std::move(value));
    return static_cast<int>(tape_.values.size()) - 1;
  }
  static TapeStep cast(int from, int to) {
    TapeStep step;
    step.kind = TapeStep::Kind::cast;
    step.inputs = {from};
    step.outputs = {to};
    return step;
  }

  Tape tape_;
  std::map<int, int> stored_;  // values as they are written
};

}  // namespace

bool may_be_cast(const Tape& tape, int value) { return Uses(tape).may_be_cast(tape, value); }

Tape plan_storage(Tape tape, const StorageRule& rule) {
  return rule ? Casts(std::move(tape), rule).planned() : std::move(tape);
}

void cast_values(const TensorView& from, const TensorView& to) {
  if (from.dtype() != to.dtype()) {
    throw Error(ErrorCode::not_supported,
                fmt::format("no value is stored as {} and read as {}", name_of(from.dtype()), name_of(to.dtype())));
  }
  std::memcpy(to.raw(), from.raw(), to.bytes());
}

}  // namespace loom
