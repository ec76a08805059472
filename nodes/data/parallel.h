// Work on many files at once. Waiting for the disk takes most of the time, so there are more threads than cores.
//
// Thread safety: a free function without state.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace loom {

// Calls work(0) ... work(count - 1), in no order, from several threads, and waits for all of them. An exception ends the
// thread that threw it, and one of them is thrown again at the end; `work` keeps what it finds of a file by its index.
template <class Work>
void in_parallel(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(failing);
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t most = std::min<std::size_t>(2 * std::max(1U, std::thread::hardware_concurrency()), 32);
    for (std::size_t i = 1; i < std::min(most, count / 4); ++i) threads.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace loom
