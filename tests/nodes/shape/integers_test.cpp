// Nodes that only move values take integers as well: the same places as for floats, and every bit of a value.
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// Values that a float does not hold.
constexpr std::int32_t kLarge = (1 << 30) + 1;

struct Moved {
  std::string type;
  std::vector<std::pair<std::string, OptionValue>> options;
  std::vector<std::string> inputs = {"x"};
};

const std::vector<Moved> kNodes = {{"concat", {{"axis", 1}}, {"x0", "x1"}},
                                   {"slice", {{"axis", 1}, {"start", 1}}},
                                   {"split", {{"axis", 1}, {"parts", 2}}},
                                   {"flip", {{"axis", 1}}},
                                   {"shift", {{"axis", 1}}},
                                   {"shift", {{"axis", 2}, {"by", -2}}},
                                   {"permute", {{"order", list({2, 1})}}},
                                   {"repeat", {{"times", 3}}}};

NodeTester tester_of(const Moved& moved, bool integers) {
  NodeTester tester = node(moved.type);
  for (const auto& [name, value] : moved.options) tester.option(name, value);
  std::int32_t next = 1;
  for (const std::string& input : moved.inputs) {
    std::vector<std::int32_t> values(2 * 4 * 3);
    for (std::int32_t& value : values) value = next++;
    if (integers)
      for (std::int32_t& value : values) value += kLarge;
    if (integers)
      tester.input(input, tensor_of({2, 4, 3}, values));
    else
      tester.input(input, tensor_of({2, 4, 3}, std::vector<float>(values.begin(), values.end())));
  }
  return tester;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integers)

BOOST_AUTO_TEST_CASE(move_as_floats_do) {
  for (const Moved& moved : kNodes) {
    BOOST_TEST_CONTEXT(moved.type) {
      NodeTester codes = tester_of(moved, true), floats = tester_of(moved, false);
      const Tensors got = codes.run().outputs, expected = floats.run().outputs;
      for (const auto& [port, tensor] : expected) {
        if (tensor.shape().rank() == 0) continue;  // a part that split does not have
        BOOST_REQUIRE(got.at(port).dtype() == DType::i32);
        BOOST_REQUIRE(got.at(port).shape() == tensor.shape());
        for (std::size_t i = 0; i < tensor.values().size(); ++i) {
          const auto place = static_cast<std::int32_t>(tensor.values()[i]);
          BOOST_TEST(got.at(port).values<std::int32_t>()[i] == (place == 0 ? 0 : place + kLarge));
        }
      }
      expect_ok(codes.check_shards());
      expect_ok(codes.check_repeatable());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
