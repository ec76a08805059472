// The typed memory of a node: where slots lie, what they give to each kind of call, and that they keep apart.
#include <boost/test/unit_test.hpp>

#include "loom/advance.h"
#include "loom/node.h"

using loom::PackedSlot;
using loom::Slot;

namespace {

// Memory for what `p` was asked for, and calls that hold it.
struct Memory {
  explicit Memory(const loom::Prepare& p)
      : scratch(loom::allocate_bytes(p.scratch_bytes)),
        saved(loom::allocate_bytes(p.saved_bytes)),
        packed(loom::allocate_bytes(p.packed_bytes)),
        prepared(p) {}
  template <class C>
  C call() const {
    C call;
    call.scratch_memory = {scratch.get(), prepared.scratch_bytes};
    call.saved_memory = {saved.get(), prepared.saved_bytes};
    call.packed_memory = {packed.get(), prepared.packed_bytes};
    return call;
  }
  loom::AlignedBytes scratch, saved, packed;
  const loom::Prepare& prepared;
};

template <class T>
std::ptrdiff_t offset(std::span<T> values, const loom::AlignedBytes& memory) {
  return reinterpret_cast<const std::byte*>(values.data()) - memory.get();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(slot)

BOOST_AUTO_TEST_CASE(slots_of_a_kind_add_up_from_cache_line_to_cache_line) {
  loom::Prepare p;
  const Slot<float> first = p.scratch<float>(3);
  const Slot<double> second = p.scratch<double>(20U);
  const Slot<std::byte> third = p.scratch<std::byte>(std::size_t{1});
  const Slot<std::int32_t> kept = p.saved<std::int32_t>(std::int64_t{16});
  BOOST_TEST(p.scratch_bytes == 64U + 192U + 1U);
  BOOST_TEST(p.saved_bytes == 64U);
  BOOST_TEST(p.packed_bytes == 0U);
  const Memory memory(p);
  const auto call = memory.call<loom::Forward>();
  BOOST_TEST(offset(first(call), memory.scratch) == 0);
  BOOST_TEST(offset(second(call), memory.scratch) == 64);
  BOOST_TEST(offset(third(call), memory.scratch) == 256);
  BOOST_TEST(offset(kept(call), memory.saved) == 0);
  BOOST_TEST(first(call).size() == 3U);
  BOOST_TEST(second.count() == 20);
}

BOOST_AUTO_TEST_CASE(nothing_asked_for_is_nothing) {
  loom::Prepare p;
  const Slot<float> never, none = p.scratch<float>(0), some = p.scratch<float>(1);
  const PackedSlot<float> unpacked;
  BOOST_TEST(p.scratch_bytes == 4U);
  const Memory memory(p);
  const auto call = memory.call<loom::Backward>();
  BOOST_TEST(never.empty());
  BOOST_TEST(never(call).data() == nullptr);
  BOOST_TEST(none(call).data() == nullptr);
  BOOST_TEST(!some.empty());
  BOOST_TEST(unpacked(call).data() == nullptr);
}

// What forward writes into a saved slot is there for backward and for the next advance().
BOOST_AUTO_TEST_CASE(saved_is_the_same_in_each_call) {
  loom::Prepare p;
  const Slot<float> scratch = p.scratch<float>(5), saved = p.saved<float>(5);
  const Memory memory(p);
  for (float& value : saved(memory.call<loom::Forward>())) value = 3;
  for (float& value : scratch(memory.call<loom::Forward>())) value = 4;
  for (const float value : saved(memory.call<loom::Backward>())) BOOST_TEST(value == 3);
  for (const float value : saved(memory.call<loom::Advance>())) BOOST_TEST(value == 3);
}

BOOST_AUTO_TEST_CASE(packed_is_written_by_pack_and_read_by_calls) {
  loom::Prepare p;
  const PackedSlot<float> weight = p.packed<float>(20);
  const PackedSlot<std::int32_t> index = p.packed<std::int32_t>(2);
  BOOST_TEST(p.packed_bytes == 128U + 8U);
  const Memory memory(p);
  loom::Pack pack;
  pack.packed_memory = {memory.packed.get(), p.packed_bytes};
  static_assert(std::is_same_v<decltype(weight(pack)), std::span<float>>);
  static_assert(std::is_same_v<decltype(weight(loom::Forward())), std::span<const float>>);
  for (float& value : weight(pack)) value = 2;
  index(pack)[1] = 7;
  const auto call = memory.call<loom::Forward>();
  for (const float value : weight(call)) BOOST_TEST(value == 2);
  BOOST_TEST(index(call)[1] == 7);
}

BOOST_AUTO_TEST_SUITE_END()
