// Operations compiled to loops over blocks: what an execution follows.
//
// A stage is a loop or a scan. A loop runs over the values of one count for each row (a row is a sample's event), block by
// block: it reads the operands that other stages or the host have left in memory, broadcast where their shape is smaller,
// runs its steps on registers that stay in the first cache, writes what others read, and adds to its reductions. A value
// that only its own loop reads is never written. Several rows are computed at once where they are short.
//
// Thread safety: a plan is immutable.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "formula/operations.h"

namespace loom::formula {

using Needed = std::uint64_t;  // the targets that something is needed for, as bits
inline constexpr int kMaxTargets = 64;

// One axis of how a loop walks through memory; neighbours that can be walked as one are one. The stride of the last is 0 or 1.
struct Walk {
  std::int64_t extent, stride;
};

// Where values lie: `count` floats of each row.
struct Place {
  enum class Kind : std::uint8_t { source, target, temporary };
  Kind kind = Kind::source;
  int index = 0;
  std::int64_t count = 1;
  bool integers = false;  // of a source: int32
  bool operator==(const Place&) const = default;
};

// A register that a block finds in memory.
struct Direct {
  Place place;
  std::uint16_t entry;
};

// A register that is filled from memory before the steps: broadcast, or converted.
struct Load {
  Place from;
  std::vector<Walk> walk;
  std::uint16_t entry;
  Needed needed_for = 0;
};

struct Gather {
  Reduction reduction;
  std::uint16_t entry;     // the register whose values are reduced
  int temporary;           // of the result
  std::int64_t count;      // of the result, of one row
  std::vector<Walk> walk;  // through the result
  std::int64_t sums = -1;  // place among the double accumulators, of one row; -1: the result itself accumulates
  Needed needed_for = 0;
};

struct Loop {
  std::int64_t count = 1;  // values of a row
  std::vector<Direct> directs;
  std::vector<Load> loads;
  std::vector<math::BlockStep> steps;
  std::vector<Gather> gathers;
  Needed needed_for = 0;
};

// A sum up to each position of an axis, or the product of all others.
struct Scan {
  Operation::Kind kind;
  bool reverse;
  Place from, to;
  std::int64_t outer, extent, inner;
  Needed needed_for = 0;
};

struct Plan {
  std::vector<std::variant<Loop, Scan>> stages;
  std::vector<float> constants;              // registers that hold one number
  std::vector<std::int64_t> temporaries;     // floats of a row
  std::vector<std::int64_t> temporaries_at;  // where each starts, for `rows` rows
  std::int64_t temporary_floats = 0;         // of all
  std::vector<std::int64_t> zero_targets;    // count of a row, for each target that is 0 everywhere; -1: is computed
  std::int64_t sums = 0;                     // double accumulators of a row
  int slots = 0;                             // registers beside the constants
  int entries = 0;                           // of the table of registers: constants, slots, directs
  std::int64_t block = 0;                    // floats of a register
  std::int64_t rows = 1;                     // computed at once
  std::vector<bool> reads;                   // the sources that it reads
};

struct Source {
  std::int64_t count = 1;  // of a row
  bool integers = false;
};

// `results`: the value of each target, kNone for zeros of the given count.
struct PlanRequest {
  const Operations& list;
  std::vector<Id> results;
  std::vector<std::int64_t> counts;  // of the targets
  std::vector<Source> sources;       // of Operation::index
};
Plan make_plan(const PlanRequest& request);

}  // namespace loom::formula
