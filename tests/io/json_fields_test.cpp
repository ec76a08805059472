// JSON from outside: bounds before it is parsed, types and ranges of its fields.
#include "io/json_fields.h"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace loom;

namespace {

const JsonSource kSource{"f.json", "not a thing", ErrorCode::checkpoint_corrupt};

std::string failure(const std::string& text, const std::function<void(const JsonField&)>& read) {
  try {
    const nlohmann::json json = parse_json(text, kSource);
    read(JsonField(json, kSource));
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::checkpoint_corrupt));
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_fields)

BOOST_AUTO_TEST_CASE(nesting_is_counted_outside_of_texts) {
  BOOST_TEST(!nested_deeper(R"({"a": "[[[[\"[[[["})", 1));
  BOOST_TEST(!nested_deeper("[[1], [2], {\"a\": 3}]", 2));
  BOOST_TEST(nested_deeper("[[1], [[2]]]", 2));
  BOOST_TEST(nested_deeper(std::string(1000000, '['), kMaxJsonDepth));
}

BOOST_AUTO_TEST_CASE(a_wrong_field_is_named_with_what_it_is_and_may_be) {
  const std::string text = failure(R"({"a": {"b": [1, 2, 300]}})", [](const JsonField& root) {
    for (const JsonField& item : root.at("a").at("b").items()) item.integer(0, 255);
  });
  BOOST_TEST(text ==
             "f.json: error E503 checkpoint-corrupt: not a thing: the field 'a.b[2]' is wrong\n    got:      300\n"
             "    expected: an integer from 0 to 255");
}

BOOST_AUTO_TEST_CASE(types_and_ranges) {
  const auto wrong = [](const std::string& value, const std::function<void(const JsonField&)>& read) {
    return !failure("{\"v\": " + value + "}", [&](const JsonField& root) { read(root.at("v")); }).empty();
  };
  const auto integer = [](const JsonField& field) { field.integer(); };
  BOOST_TEST(!wrong("-9223372036854775808", integer));
  BOOST_TEST(wrong("9223372036854775808", integer));  // 2^63
  BOOST_TEST(wrong("1.5", integer));
  BOOST_TEST(wrong("\"1\"", integer));
  BOOST_TEST(wrong("true", integer));
  BOOST_TEST(!wrong("18446744073709551615", [](const JsonField& field) { field.natural(); }));
  BOOST_TEST(wrong("-1", [](const JsonField& field) { field.natural(); }));
  BOOST_TEST(wrong("1e999", [](const JsonField& field) { field.number(); }));
  BOOST_TEST(wrong("null", [](const JsonField& field) { field.text(); }));
  BOOST_TEST(wrong("[]", [](const JsonField& field) { field.members(); }));
  BOOST_TEST(wrong("{}", [](const JsonField& field) { field.items(); }));
  BOOST_TEST(wrong("{}", [](const JsonField& field) { field.at("inside"); }));
}

BOOST_AUTO_TEST_CASE(what_is_no_json_or_too_deep_is_refused) {
  const auto nothing = [](const JsonField&) {};
  BOOST_TEST(failure("{", nothing).find("expected: JSON") != std::string::npos);
  BOOST_TEST(failure(std::string(100000, '[') + std::string(100000, ']'), nothing).find("at most 64 levels") !=
             std::string::npos);
  BOOST_TEST(failure(std::string(kMaxJsonBytes + 1, ' '), nothing).find("at most 16777216 bytes") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(numbers_in_texts) {
  BOOST_TEST(integer_of("12", "n", 0, 20, kSource) == 12);
  for (const char* text : {"21", "-1", "12x", "", "99999999999999999999", "1e1"})
    BOOST_CHECK_THROW(integer_of(text, "n", 0, 20, kSource), Error);
  BOOST_TEST(natural_of("18446744073709551615", "n", kSource) == 18446744073709551615U);
  BOOST_CHECK_THROW(number_of("0.5.1", "n", kSource), Error);
}

BOOST_AUTO_TEST_SUITE_END()
