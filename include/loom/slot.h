// Typed pieces of the memory that the host gives a node with each call. A node asks for them in prepare(), keeps them
// and applies them to its calls:
//
//   void prepare(const loom::Prepare& p) override { gate_ = p.scratch<float>(p.output(0).count()); }
//   void forward(const loom::Forward& f) const override { const std::span<float> gate = gate_(f); ... }
//   loom::Slot<float> gate_;
//
// scratch  a call's working memory; what it holds before the call is undefined
// saved    written by forward, read by backward; of an incremental node: kept from one call of advance() to the next
// packed   written by pack(), read by every call; shared by all lanes
//
// Each slot starts on a cache line of its own. One that was not asked for, or for nothing, is an empty span: its data()
// is null. What forward leaves to backward, where there is one, is
//   noise_ = p.backward ? p.saved<float>(count) : p.scratch<float>(count);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace loom {

class Prepare;

inline constexpr std::size_t kCacheLine = 64;

template <class T>
class Slot {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLine);

 public:
  Slot() = default;

  std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  bool empty() const { return count_ == 0; }

  // `call`: a Forward, a Backward, an Advance.
  template <class C>
  std::span<T> operator()(const C& call) const {
    if (empty()) return {};
    const std::span<std::byte> memory = saved_ ? call.saved_memory : call.scratch_memory;
    return {reinterpret_cast<T*>(memory.data() + at_), count_};
  }

 private:
  friend class Prepare;
  Slot(bool saved, std::size_t at, std::size_t count) : saved_(saved), at_(at), count_(count) {}

  bool saved_ = false;
  std::size_t at_ = 0, count_ = 0;  // in bytes, in elements
};

template <class T>
class PackedSlot {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLine);

 public:
  PackedSlot() = default;

  std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  bool empty() const { return count_ == 0; }

  // Of a Pack, to be written; of any other call, to be read.
  template <class C>
  auto operator()(const C& call) const {
    using Byte = typename decltype(call.packed_memory)::element_type;
    using Element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    if (empty()) return std::span<Element>();
    return std::span<Element>(reinterpret_cast<Element*>(call.packed_memory.data() + at_), count_);
  }

 private:
  friend class Prepare;
  PackedSlot(std::size_t at, std::size_t count) : at_(at), count_(count) {}

  std::size_t at_ = 0, count_ = 0;
};

}  // namespace loom
