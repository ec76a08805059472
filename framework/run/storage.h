// What the values of a tape are stored as, and the casts between that and what nodes compute in.
//
// A node computes in the types that it declares. A value may be stored as another type: its writer then writes to a
// place of its own, a cast step stores that, and each step that reads the value reads a cast of it. What is written or
// read so lasts for these few steps; what is stored lasts from the writer to the last reader.
//
// Thread safety: functions of their arguments.
#pragma once

#include <functional>
#include <optional>

#include "graph/tape.h"

namespace loom {

// The type to store a value as; none: as its writer writes it, without a cast. Asked of values that may_be_cast().
using StorageRule = std::function<std::optional<DType>(const Tape& tape, int value)>;

// One step writes the value and others read it, and it is neither a feed nor asked for by name (a loss term, a fetch,
// the gradient of an input). Gradients that are summed in place have several writers: they are sums, and stay f32.
bool may_be_cast(const Tape& tape, int value);

// The tape with the casts that `rule` asks for; the same tape where there is no rule.
Tape plan_storage(Tape tape, const StorageRule& rule);

// to = from, element by element. Throws Error(not_supported) for types that nothing is stored as.
void cast_values(const TensorView& from, const TensorView& to);

}  // namespace loom
