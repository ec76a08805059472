// Lists as they stand in messages.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace loom {

// "a, b, c". Not fmt::join: GCC 12 warns inside it where it is optimized.
template <class Range>
std::string joined(const Range& items, std::string_view separator = ", ") {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    if (!first) text += separator;
    text += fmt::format("{}", item);
    first = false;
  }
  return text;
}

}  // namespace loom
