// Private to framework/dnnl: weights between the plain layout and the one a primitive prefers.
//
// oneDNN has reorder primitives for this, but those of 3.7 (Debian 13) give wrong results if a size is not a multiple
// of the block, so we move the elements ourselves.
#pragma once

#include <cstdint>
#include <vector>

#include "dnnl/bf16.h"
#include "dnnl/detail.h"

namespace loom::dnnl::detail {

// A weight [filters,c,kh,kw] or [filters,c,kd,kh,kw] (or with a leading dimension of groups) in memory as described by
// `desc`. Immutable, thread safe.
class WeightLayout {
 public:
  WeightLayout() = default;  // the plain layout, nothing to do
  explicit WeightLayout(const Desc& desc, int spatial_axes = 2);

  // Size of the weight in this layout; 0 if that is the plain one.
  std::size_t bytes() const { return bytes_; }
  // From plain to this layout, zeros in its padding.
  void pack(const float* plain, void* packed) const;
  // The same of bf16, for a layout of bf16; also where it is the plain one.
  void pack_bf16(const Bf16* plain, void* packed) const;
  std::size_t memory_bytes() const { return memory_bytes_; }  // also where bytes() == 0
  // plain += packed; also where bytes() == 0.
  void add_to_plain(const float* packed, float* plain) const;
  void to_plain(const float* packed, float* plain) const;  // plain = packed

 private:
  template <bool overwrites>
  void unpack(const float* packed, float* plain) const;
  template <class Element, class Tile>
  void for_each(const Element& element, const Tile& tile) const;

  std::size_t bytes_ = 0, memory_bytes_ = 0;
  std::int64_t count_ = 0;
  bool padded_ = false;
  bool filters_adjacent_ = false;  // four filters, starting at a multiple of four, are adjacent
  // The offset of element (f,c,t) is the sum of three offsets, since every dimension is blocked on its own. Groups
  // count as filters, and kh and kw together as taps.
  //
  std::vector<std::int64_t> filters_, channels_, taps_;
};

}  // namespace loom::dnnl::detail
