// gemm-peak [THREADS [N]]: the rate of oneDNN's own f32 product of NxNxN (2048), one at a time on each of so many threads (one a
// core), as JSON. What share of it a step reaches is the share of the processor that the step uses.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "dnnl/cpu.h"
#include "dnnl/matmul.h"
#include "loom/tensor.h"

namespace {

using namespace loom;
using Clock = std::chrono::steady_clock;

constexpr int kProducts = 10, kRounds = 3;

Tensor square(std::int64_t n) { return {DType::f32, Shape{n, n}}; }

// GFLOP/s of this thread while all of them multiply: the best of the rounds.
double rate(std::int64_t n, const std::function<void()>& wait_for_all) {
  const dnnl::Matmul product({.m = n, .n = n, .k = n});
  const Tensor a = square(n), b = square(n), c = square(n);
  const Tensor scratch(DType::f32, Shape{static_cast<std::int64_t>(product.scratch_bytes() / sizeof(float)) + 1});
  const auto multiply = [&] {
    product.execute(a.view().raw(), b.view().raw(), nullptr, c.view().raw(), scratch.view().raw());
  };
  multiply();
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    wait_for_all();
    const auto start = Clock::now();
    for (int i = 0; i < kProducts; ++i) multiply();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, 2e-9 * kProducts * static_cast<double>(n * n * n) / seconds);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  const std::int64_t n = argc > 2 ? std::atoll(argv[2]) : 2048;
  if (threads < 1 || n < 1) {
    std::fputs("usage: gemm-peak [THREADS [N]]\n", stderr);
    return 2;
  }
  std::barrier all(threads);
  std::vector<double> rates(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> workers;
    for (double& own : rates) workers.emplace_back([&] { own = rate(n, [&] { all.arrive_and_wait(); }); });
  }
  double sum = 0;
  for (const double own : rates) sum += own;
  std::printf("{\"gflops\": %.1f, \"threads\": %d, \"n\": %lld, \"computed_by\": \"%s\"}\n", sum, threads,
              static_cast<long long>(n), dnnl::describe().c_str());
  return 0;
}
