// The form of its weight that a primitive prefers, made once a step; nothing where it takes the plain weight.
#pragma once

#include "loom/node.h"

namespace loom::nodes {

template <class Primitive>
class PackedWeight {
 public:
  void prepare(const Prepare& p, const Primitive& primitive) {
    if (primitive.packed_bytes() == 0) return;
    weight_ = p.packed<std::byte>(primitive.packed_bytes());
    work_ = p.packed<std::byte>(primitive.scratch_bytes());
  }
  void pack(const Pack& p, const Primitive& primitive, const float* plain) const {
    if (!weight_.empty()) primitive.pack(plain, weight_(p).data(), work_(p).data());
  }
  // What the primitive's execute() takes.
  const void* of(const Call& call, const float* plain) const {
    return weight_.empty() ? static_cast<const void*>(plain) : weight_(call).data();
  }

 private:
  PackedSlot<std::byte> weight_, work_;  // packing takes scratch, and pack() is given none
};

}  // namespace loom::nodes
