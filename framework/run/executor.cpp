#include "run/executor.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

namespace loom {

class Executor::Impl {
 public:
  // oneTBB limits its workers to the number of cores; more threads than cores are used only to test determinism.
  explicit Impl(int threads)
      : control(tbb::global_control::max_allowed_parallelism,
                static_cast<std::size_t>(std::max(threads, tbb::this_task_arena::max_concurrency()))),
        arena(threads) {
    arena.initialize();
  }
  tbb::global_control control;
  tbb::task_arena arena;
};

Executor::Executor(int threads) : threads_(threads > 0 ? threads : tbb::info::default_concurrency()) {
  impl_ = std::make_unique<Impl>(threads_);
}
Executor::~Executor() = default;

void Executor::run(const std::function<void()>& body) { impl_->arena.execute(body); }

void Executor::parallel_for(std::int64_t count, std::int64_t chunk,
                            const std::function<void(std::int64_t, std::int64_t)>& body) {
  const std::int64_t pieces = (count + chunk - 1) / chunk;
  if (pieces <= 1) {
    if (count > 0) body(0, count);
    return;
  }
  const TracedParts parts;
  impl_->arena.execute([&] {
    tbb::parallel_for(std::int64_t{0}, pieces, [&](std::int64_t piece) {
      const TracedParts::Part part(parts);
      body(piece * chunk, std::min(count, (piece + 1) * chunk));
    });
  });
}

}  // namespace loom
