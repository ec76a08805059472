#include "run/reduce.h"

#include <cstdint>

namespace loom {
namespace {

constexpr std::int64_t kReduceChunk = 1 << 12;  // floats: those of 64 lanes fit in a core's cache

void add_to(float* total, const float* part, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) total[i] += part[i];
}

}  // namespace

void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts) {
  if (parts.size() < 2 || parts.front().empty()) return;
  executor.parallel_for(static_cast<std::int64_t>(parts.front().size()), kReduceChunk,
                        [&](std::int64_t first, std::int64_t last) {
                          for (std::size_t apart = 1; apart < parts.size(); apart *= 2) {
                            for (std::size_t lane = 0; lane + apart < parts.size(); lane += 2 * apart)
                              add_to(parts[lane].data(), parts[lane + apart].data(), first, last);
                          }
                        });
}

}  // namespace loom
