#include "loom/random.h"

#include <Random123/philox.h>

#include <bit>
#include <cmath>
#include <numbers>

namespace loom {
namespace {

using Philox = r123::Philox4x32;

// Counter words: element block, sample, step, stream; `block` is folded into the key's upper word.
Philox::ctr_type draw(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::uint32_t sample,
                      std::uint32_t block, std::uint32_t index) {
  const Philox::ctr_type counter = {{index, sample, step, stream}};
  const auto high = static_cast<std::uint32_t>(seed >> 32) ^ (block * 0x9E3779B9U);
  const Philox::key_type key = {{static_cast<std::uint32_t>(seed), high}};
  return Philox()(counter, key);
}

// (0, 1]: the logarithm below is finite.
float open_zero(std::uint32_t bits) { return (static_cast<float>(bits >> 8) + 1.0F) * 0x1.0p-24F; }
float half_open(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1.0p-24F; }

}  // namespace

std::uint32_t stream_of(std::string_view path) {
  std::uint32_t hash = 2166136261U;
  for (char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

void RandomStream::bits(std::uint32_t sample, std::span<std::uint32_t> out, std::uint32_t block) const {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto word = draw(seed_, stream_, step_, sample, block, static_cast<std::uint32_t>(i / 4));
    for (std::size_t j = 0; j < 4 && i + j < out.size(); ++j) out[i + j] = word[j];
  }
}

namespace {
// write(i, word, j): value i of the fill is made from lane j of `word`.
template <class Draw, class Write>
void fill(std::size_t count, std::uint64_t skip, const Draw& draw_word, const Write& write) {
  for (std::size_t i = 0; i < count;) {
    const std::uint64_t at = skip + i;
    const auto word = draw_word(static_cast<std::uint32_t>(at / 4));
    for (std::size_t j = at % 4; j < 4 && i < count; ++j, ++i) write(i, word, j);
  }
}
}  // namespace

void RandomStream::uniform(std::uint32_t sample, std::span<float> out, std::uint32_t block, std::uint64_t skip) const {
  fill(
      out.size(), skip, [&](std::uint32_t index) { return draw(seed_, stream_, step_, sample, block, index); },
      [&](std::size_t i, const auto& word, std::size_t j) { out[i] = half_open(word[j]); });
}

// Box and Muller 1958: two uniforms make two normals.
void RandomStream::normal(std::uint32_t sample, std::span<float> out, std::uint32_t block, std::uint64_t skip) const {
  fill(
      out.size(), skip, [&](std::uint32_t index) { return draw(seed_, stream_, step_, sample, block, index); },
      [&](std::size_t i, const auto& word, std::size_t j) {
        const float radius = std::sqrt(-2.0F * std::log(open_zero(word[j & 2U])));
        const float angle = 2.0F * std::numbers::pi_v<float> * half_open(word[(j & 2U) + 1]);
        out[i] = radius * ((j & 1U) == 0 ? std::cos(angle) : std::sin(angle));
      });
}

std::uint64_t RandomStream::value(std::uint32_t sample, std::uint32_t block) const {
  const auto word = draw(seed_, stream_, step_, sample, block, 0);
  return (static_cast<std::uint64_t>(word[1]) << 32) | word[0];
}

std::uint64_t permuted_index(std::uint64_t index, std::uint64_t count, std::uint64_t key) {
  if (count <= 1) return 0;
  const int width = std::bit_width(count - 1);
  const int half = (width + 1) / 2;  // a balanced network over 2 * half >= width bits
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  std::uint64_t value = index;
  do {
    std::uint64_t left = value >> half;
    std::uint64_t right = value & mask;
    for (std::uint32_t round = 0; round < 6; ++round) {
      const auto word =
          draw(key, 0x5EED5EEDU, round, static_cast<std::uint32_t>(right >> 32), 0, static_cast<std::uint32_t>(right));
      const std::uint64_t next = left ^ (word[0] & mask);
      left = right;
      right = next;
    }
    value = (left << half) | right;
  } while (value >= count);
  return value;
}

}  // namespace loom
