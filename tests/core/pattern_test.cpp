// Patterns over paths of parameters, with exclusions.
#include "core/pattern.h"

#include <boost/test/unit_test.hpp>

using namespace loom;

BOOST_AUTO_TEST_SUITE(pattern)

BOOST_AUTO_TEST_CASE(a_name_means_everything_below_it) {
  BOOST_TEST(matches_pattern("encoder", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("q", "q.bias"));
  BOOST_TEST(!matches_pattern("enc", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("*norm?.weight", "a/norm2.weight"));
  BOOST_TEST(!matches_pattern("*norm?.weight", "a/norm12.weight"));
}

BOOST_AUTO_TEST_CASE(exclusions_win_and_alone_leave_everything_else) {
  BOOST_TEST(matches_any({}, "real/conv.weight"));
  BOOST_TEST(matches_any({"!real"}, "encoder.weight"));
  BOOST_TEST(!matches_any({"!real"}, "real/conv.weight"));
  BOOST_TEST(!matches_any({"decoder", "!decoder/out"}, "decoder/out.bias"));
  BOOST_TEST(matches_any({"!decoder/out", "decoder"}, "decoder/in.bias"));
  BOOST_TEST(!matches_any({"decoder", "!decoder/out"}, "encoder.bias"));
}

BOOST_AUTO_TEST_SUITE_END()
