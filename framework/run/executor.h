// The threads that programs run on: one oneTBB arena whose threads keep OpenMP at one thread, since oneDNN may be an
// OpenMP build and TBB does all the parallelism.
//
// Thread safety: run() may be called from one thread at a time; several executors may exist side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/trace.h"

namespace loom {

class Executor {
 public:
  explicit Executor(int threads = 0);  // 0: every core this process may use
  ~Executor();

  int threads() const { return threads_; }
  // Where programs and optimizers that run here add their spans; null, as at first: nowhere. Set it between runs.
  void set_trace(Trace* trace) { trace_ = trace; }
  Trace* trace() const { return trace_; }
  // Runs `body` inside the arena.
  void run(const std::function<void()>& body);
  // body(first, last) over [0, count) in pieces of `chunk` elements: fixed pieces, any thread.
  void parallel_for(std::int64_t count, std::int64_t chunk,
                    const std::function<void(std::int64_t, std::int64_t)>& body);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  int threads_;
  Trace* trace_ = nullptr;
};

}  // namespace loom
