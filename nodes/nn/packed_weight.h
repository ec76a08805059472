// The form of its weight that a primitive prefers, made once a step; nothing where it takes the plain weight.
#pragma once

#include <algorithm>

#include "loom/node.h"

namespace loom::nodes {

// Scratch that packing takes: of one primitive of a node after the other.
template <class... Primitive>
std::size_t packing_bytes(const Primitive*... primitive) {
  return std::max({(primitive == nullptr ? std::size_t{0} : primitive->pack_scratch_bytes())...});
}

template <class Primitive>
class PackedWeight {
 public:
  void prepare(const Prepare& p, const Primitive& primitive) {
    if (primitive.packed_bytes() > 0) weight_ = p.packed<std::byte>(primitive.packed_bytes());
  }
  void pack(const Pack& p, const Primitive& primitive, const float* plain, void* scratch) const {
    if (!weight_.empty()) primitive.pack(plain, weight_(p).data(), scratch);
  }
  // What the primitive's execute() takes.
  const void* of(const Call& call, const float* plain) const {
    return weight_.empty() ? static_cast<const void*>(plain) : weight_(call).data();
  }

 private:
  PackedSlot<std::byte> weight_;
};

}  // namespace loom::nodes
