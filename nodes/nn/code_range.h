// Codes that index rows of a table: a code out of range is an error that names the sample.
#pragma once

#include <fmt/format.h>

#include <cstdint>

#include "loom/error.h"
#include "loom/node.h"

namespace loom::nodes {

// The codes of an [N, ...] input, all from 0 to count - 1.
inline std::span<const std::int32_t> checked_codes(const Forward& f, int input, std::int64_t count) {
  const TensorView x = f.input(input);
  const std::span<const std::int32_t> codes = x.values<std::int32_t>();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] >= 0 && codes[i] < count) continue;
    const std::int64_t sample = f.first_sample + static_cast<std::int64_t>(i) / x.per_sample();
    throw Error(ErrorCode::out_of_range,
                fmt::format("sample {} has the code {}, but the codes are 0 to {}", sample, codes[i], count - 1));
  }
  return codes;
}

}  // namespace loom::nodes
