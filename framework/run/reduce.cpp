#include "run/reduce.h"

#include <cstdint>

namespace loom {
namespace {

constexpr std::int64_t kReduceChunk = 1 << 14;  // floats

}  // namespace

void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts) {
  if (parts.size() < 2 || parts.front().empty()) return;
  executor.parallel_for(static_cast<std::int64_t>(parts.front().size()), kReduceChunk,
                        [&](std::int64_t first, std::int64_t last) {
                          float* total = parts.front().data();
                          for (const std::span<float>& lane : parts.subspan(1)) {
                            const float* part = lane.data();
                            for (std::int64_t i = first; i < last; ++i) total[i] += part[i];
                          }
                        });
}

}  // namespace loom
