// Layout of the scratch and packed memory that nodes on oneDNN primitives reserve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace loom::nodes {

// Pieces of one reservation start on cache lines.
constexpr std::size_t aligned_bytes(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
constexpr std::size_t float_bytes(std::int64_t count) {
  return aligned_bytes(static_cast<std::size_t>(count) * sizeof(float));
}

// The packed form of a primitive's weight, followed by the scratch that packing takes. 0 where nothing is packed.
template <class Primitive>
std::size_t packed_with_scratch(const Primitive& primitive) {
  const std::size_t packed = primitive.packed_bytes();
  return packed == 0 ? 0 : aligned_bytes(packed) + aligned_bytes(primitive.scratch_bytes());
}

template <class Primitive>
void pack_into(const Primitive& primitive, const float* weight, std::span<std::byte> memory) {
  if (primitive.packed_bytes() == 0) return;
  primitive.pack(weight, memory.data(), memory.data() + aligned_bytes(primitive.packed_bytes()));
}

}  // namespace loom::nodes
