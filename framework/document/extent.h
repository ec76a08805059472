// The size of a value: bounds what blocks and repeats expand to.
#pragma once

#include <cstddef>

#include "document/value.h"

namespace loom {

// The number of values and the bytes of text.
struct Extent {
  std::size_t values = 0, bytes = 0;

  void add(const Value& value) {
    ++values;
    bytes += value.scalar.size();
    for (const Value& item : value.items) add(item);
    for (const Member& member : value.members) {
      bytes += member.key.size();
      add(member.value);
    }
  }
};

}  // namespace loom
