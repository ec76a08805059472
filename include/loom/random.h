// Random numbers, and the initial values of parameters.
//
// Counter-based (Philox4x32-10, Salmon et al. 2011): the value of draw i is a pure function of
// (seed, stream, step, sample, i), so results depend neither on threads nor on the order of execution.
//
// Thread safety: a RandomStream is a value; every method is const.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace loom {

// A stable 32-bit hash of a path (FNV-1a), which identifies a node's stream.
std::uint32_t stream_of(std::string_view path);

class RandomStream {
 public:
  RandomStream() = default;
  RandomStream(std::uint64_t seed, std::uint32_t stream, std::uint32_t step)
      : seed_(seed), stream_(stream), step_(step) {}

  // Fills `out` with independent draws for one sample (its index in the batch; in a data set, the index of the item).
  // `block` distinguishes several fills for the same sample: fills with different blocks are independent. `skip` omits
  // the first values: out[i] is value skip + i.
  void normal(std::uint32_t sample, std::span<float> out, std::uint32_t block = 0, std::uint64_t skip = 0) const;
  void uniform(std::uint32_t sample, std::span<float> out, std::uint32_t block = 0, std::uint64_t skip = 0) const;
  // normal: N(0, 1); uniform: [0, 1).
  void bits(std::uint32_t sample, std::span<std::uint32_t> out, std::uint32_t block = 0) const;

  // One 64-bit value, for seeding a derived stream or a permutation.
  std::uint64_t value(std::uint32_t sample, std::uint32_t block = 0) const;

 private:
  std::uint64_t seed_ = 0;
  std::uint32_t stream_ = 0;
  std::uint32_t step_ = 0;
};

// The initial values of a parameter. fan_in is the count of the parameter `of` divided by its first extent, as in
// PyTorch.
struct Initializer {
  enum class Kind { constant, normal, uniform, uniform_fan_in, uniform_rows, equal } kind = Kind::constant;
  double a = 0;    // constant: value; normal: mean; uniform: low; uniform_fan_in: bound = a / sqrt(fan_in)
  double b = 0;    // normal: standard deviation; uniform: high; equal: 2 for the norms of the rows of a parameter `of`
  std::string of;  // uniform_fan_in: the parameter whose fan-in counts (empty: itself); equal: the state that it equals
};
Initializer constant_value(double value);
Initializer zeros();
Initializer ones();
Initializer normal_values(double mean, double standard_deviation);
Initializer uniform_values(double low, double high);
// U(-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for linear and convolution (kaiming uniform, a = sqrt(5)).
Initializer kaiming_uniform(std::string of = "");
Initializer uniform_over_rows();          // U(-1/n, 1/n) for a first extent of n
Initializer equal_to(std::string state);  // the same values as another state of the node

// The image of `index` under a pseudo-random permutation of [0, count): a keyed Feistel network, iterated until the
// result is in range. Shuffling needs no memory, and any position can be computed on its own.
std::uint64_t permuted_index(std::uint64_t index, std::uint64_t count, std::uint64_t key);

}  // namespace loom
