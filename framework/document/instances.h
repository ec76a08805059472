// References to the instances of a repeat: `level/*/z`, or `level/${index}/z`, in a loss, a draw, a feed, what is filled or
// what is shown. Such an entry stands for one entry of each instance.
//
// The markers of an entry count together: its first ones are all the first instance, then all the second one, and so on;
// the repeats that they name have equally many instances. Second markers (`a/*/b/*/z`) are those of the repeats inside.
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "document/expression.h"
#include "document/value.h"
#include "loom/error.h"

namespace loom {

using RepeatCounts = std::map<std::string, std::int64_t>;  // path of a repeat, and its instances

struct InstanceEntry {
  std::vector<std::int64_t> index;  // empty: the entry names no instances
  Member member;                    // with numbers in the place of the markers; its key is empty where that was wrong

  std::string suffix() const;                          // "/2", "/2/0"
  Variables with_index(const Variables& outer) const;  // `index` is the first number
};

// The entry of a map: markers may stand in its key and in the values under `keys`. `count`: of the first markers,
// whatever they name; -1: that of their repeats. Markers `*` behind a name that is no repeat are reported (E206).
std::vector<InstanceEntry> instances_of(const Member& entry, const std::vector<std::string>& keys,
                                        const RepeatCounts& repeats, std::int64_t count, Diagnostics& diagnostics);
// The same of one reference.
std::vector<Value> instances_of(const Value& reference, const RepeatCounts& repeats, Diagnostics& diagnostics);

// Of a loss, which may have `repeat: N`: its copies, without that key. They are not chained.
std::vector<InstanceEntry> loss_instances(const Member& loss, const Variables& variables, const RepeatCounts& repeats,
                                          TextBudget& budget, Diagnostics& diagnostics);

}  // namespace loom
