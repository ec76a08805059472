// A 64-bit hash of what a data set consists of: stated beside every figure measured on it, so that two figures with the
// same hash were measured on the same data. It tells accidents apart, not forgeries.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace loom::data {

class ContentHash {
 public:
  // The order and the lengths of the pieces count: "ab", "c" is not "a", "bc".
  void add(std::span<const std::byte> bytes) {
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) mix(word(bytes.data() + i, 8));
    mix(word(bytes.data() + i, bytes.size() - i));
    mix(bytes.size());
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  void add(std::int64_t number) { mix(static_cast<std::uint64_t>(number)); }

  std::string text() const { return fmt::format("{:016x}", finished()); }

 private:
  static std::uint64_t word(const std::byte* bytes, std::size_t count) {
    std::uint64_t value = 0;
    if (count > 0) std::memcpy(&value, bytes, count);
    return value;
  }
  // One round of MurmurHash3's body, widened to 64 bits.
  void mix(std::uint64_t value) {
    state_ ^= std::rotl(value * 0x87C37B91114253D5ULL, 31) * 0x4CF5AD432745937FULL;
    state_ = std::rotl(state_, 27) * 5 + 0x52DCE729;
  }
  // MurmurHash3's finalizer: every bit of the state reaches every bit of the text.
  std::uint64_t finished() const {
    std::uint64_t h = state_;
    h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDULL;
    h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53ULL;
    return h ^ (h >> 33);
  }

  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

}  // namespace loom::data
