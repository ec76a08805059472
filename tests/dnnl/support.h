// What the tests of this folder share: random data, aligned scratch, comparison.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace loom_test {

inline std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values) value = uniform(generator);
  return values;
}

// 64-byte aligned, filled with NaN so that whoever reads what it has not written is found out, and with a
// guard behind it so that whoever writes past the end is too.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : size_((bytes + sizeof(float) - 1) / sizeof(float)) {
    const std::size_t total = ((size_ + kGuard) * sizeof(float) + 63) / 64 * 64 + 64;
    memory_.reset(static_cast<float*>(std::aligned_alloc(64, total)));
    std::fill_n(memory_.get(), size_, std::nanf(""));
    std::fill_n(memory_.get() + size_, kGuard, kMark);
  }
  void* get() const { return memory_.get(); }
  bool intact() const {
    return std::all_of(memory_.get() + size_, memory_.get() + size_ + kGuard, [](float v) { return v == kMark; });
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr float kMark = 12345.0F;
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::size_t size_;
  std::unique_ptr<float, Free> memory_;
};

inline void check_close(const std::vector<float>& got, const std::vector<float>& expected, const std::string& what,
                        float tolerance = 1e-4F) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  float scale = 1.0F;
  for (const float value : expected) scale = std::max(scale, std::abs(value));
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::abs(got[i] - expected[i]) <= tolerance * scale) continue;
    if (wrong++ == 0) first = i;
  }
  BOOST_CHECK_MESSAGE(wrong == 0, what << ": " << wrong << " of " << got.size() << " differ, first [" << first
                                       << "] = " << got[first] << ", expected " << expected[first]);
}

// A gradient by the weight that overwrites is the one that is added to zeros.
template <class WeightsKernel>
void check_overwriting(const WeightsKernel& kernel, const void* x, const void* diff_y, std::size_t weights,
                       std::size_t filters, const std::string& what) {
  const Scratch scratch(kernel.scratch_bytes());
  std::vector<float> added(weights), written(weights, std::nanf("")), bias(filters), other_bias(filters);
  kernel.execute(x, diff_y, added.data(), bias.data(), scratch.get());
  kernel.overwrite(x, diff_y, written.data(), static_cast<std::int64_t>(weights), other_bias.data(), scratch.get());
  BOOST_CHECK_MESSAGE(scratch.intact(), what);
  check_close(written, added, what + " overwritten", 1e-6F);
  if (filters > 0) check_close(other_bias, bias, what + " bias, weight overwritten", 1e-6F);
}

}  // namespace loom_test
