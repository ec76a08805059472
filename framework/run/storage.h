// What the values of a tape are stored as.
//
// In bf16, a value takes half the memory, and what reads it half the time to load it. It is stored so where every node that
// writes or reads it declares that it takes bf16 (Contract::takes_bf16), so that no other node ever sees a rounded value:
// a loss, a quantizer, a plugin's layer have what they have in f32. A value and its gradient are alike.
//
// Thread safety: a function of its arguments.
#pragma once

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

// The tape with values of bf16. What is fed or asked for by name (a loss term, a fetch, the gradient of an input), what
// has no sample axis, and what a node without a backward step touches stay as they are: a frozen encoder has the codes
// that `encode` writes.
Tape store_in_bf16(const Graph& graph, Tape tape);

}  // namespace loom
