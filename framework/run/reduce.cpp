#include "run/reduce.h"

namespace loom {
namespace {

constexpr std::int64_t kReduceChunk = 1 << 12;  // floats: those of 64 lanes fit in a core's cache

}  // namespace

void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts) {
  if (parts.size() < 2 || parts.front().empty()) return;
  executor.parallel_for(
      static_cast<std::int64_t>(parts.front().size()), kReduceChunk, [&](std::int64_t first, std::int64_t last) {
        reduce_chunk(parts.size(), last - first, [&](std::size_t lane) { return parts[lane].data() + first; });
      });
}

}  // namespace loom
