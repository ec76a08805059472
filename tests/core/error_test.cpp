#include "loom/error.h"

#include <set>
#include <vector>

using namespace loom;

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(a_finding_says_everything_it_knows) {
  Diagnostics diagnostics;
  Diagnostic& finding = diagnostics.add(ErrorCode::unknown_port, {"vae.yaml", 12, 5}, "no output 'mean'");
  finding.got = "mean";
  finding.expected = "one of mu, logvar";
  finding.suggestion = "mu";
  finding.other = {"vae.yaml", 3, 1};
  finding.other_role = "the node";
  finding.hint = "look there";
  BOOST_TEST(
      diagnostics.items().front().text() ==
      "vae.yaml:12:5: error E203 unknown-port: no output 'mean'\n    got:      mean\n    expected: one of mu, logvar\n"
      "    did you mean 'mu'?\n    the node: vae.yaml:3:1\n    hint:     look there");
}

BOOST_AUTO_TEST_CASE(all_findings_are_thrown_at_once_and_the_limit_is_said) {
  Diagnostics diagnostics(3);
  diagnostics.throw_if_any();
  for (int i = 0; i < 5; ++i) diagnostics.add(ErrorCode::unknown_key, {"a.yaml", i + 1, 1}, "key");
  BOOST_TEST(diagnostics.size() == 5);
  BOOST_CHECK_EXCEPTION(diagnostics.throw_if_any(), Error, [](const Error& error) {
    return error.diagnostics().size() == 3 && std::string(error.what()).find("2 more diagnostics") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(findings_stand_in_the_order_of_their_places) {
  Diagnostics diagnostics;
  diagnostics.add(ErrorCode::usage, {}, "nowhere");
  diagnostics.add(ErrorCode::unknown_key, {"b.yaml", 1, 1}, "other file");
  diagnostics.add(ErrorCode::unknown_key, {"a.yaml", 10, 2}, "line 10");
  diagnostics.add(ErrorCode::unknown_key, {"a.yaml", 9, 30}, "line 9, first said");
  diagnostics.add(ErrorCode::wrong_type, {"a.yaml", 9, 30}, "line 9, then said");
  diagnostics.add(ErrorCode::unknown_key, {"a.yaml", 9, 4}, "line 9, column 4");
  std::vector<std::string> order;
  try {
    diagnostics.throw_if_any();
  } catch (const Error& error) {
    for (const Diagnostic& finding : error.diagnostics()) order.push_back(finding.message);
  }
  const std::vector<std::string> expected = {"line 9, column 4", "line 9, first said", "line 9, then said",
                                             "line 10",          "other file",         "nowhere"};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
}

// Instances of a repeat report an error once; files whose names differ in their numbers are each reported.
BOOST_AUTO_TEST_CASE(files_are_not_instances_of_a_repeat) {
  const auto count = [](ErrorCode code, const char* one, const char* other) {
    Diagnostics diagnostics;
    diagnostics.add(code, {"g.yaml", 3, 5}, one);
    diagnostics.add(code, {"g.yaml", 3, 5}, other);
    try {
      diagnostics.throw_if_any();
    } catch (const Error& error) {
      return error.diagnostics().size();
    }
    return std::size_t{0};
  };
  BOOST_TEST(count(ErrorCode::missing_input, "'r/0' has no input", "'r/1' has no input") == 1U);
  BOOST_TEST(count(ErrorCode::data_truncated, "img/007.jpg: it ends early", "img/011.jpg: it ends early") == 2U);
}

BOOST_AUTO_TEST_CASE(a_finding_has_as_many_ends_as_it_needs) {
  Diagnostic finding{};
  finding.code = ErrorCode::shape_mismatch;
  finding.message = "E is [3] here and [4] there";
  finding.add_end({"g.yaml", 2, 3}, "'a' makes [N, 3]");
  finding.add_end({"g.yaml", 3, 3}, "'b' makes [N, 4]");
  finding.add_end({"g.yaml", 2, 3}, "'a' makes [N, 3]");
  finding.add_end({"g.yaml", 4, 3}, "'c' makes [N, 5]");
  finding.add_end({"g.yaml", 3, 3}, "'b' makes [N, 4]");
  BOOST_TEST(finding.further_ends.size() == 2U);
  BOOST_TEST(finding.text().ends_with("\n    'a' makes [N, 3]: g.yaml:2:3\n    'b' makes [N, 4]: g.yaml:3:3\n"
                                      "    'c' makes [N, 5]: g.yaml:4:3"),
             finding.text());
}

BOOST_AUTO_TEST_CASE(unknown_words) {
  Diagnostics diagnostics;
  diagnostics.add_unknown_word({"a.yaml", 1, 1}, "there is no colour 'gren'", "gren", {"red", "green"});
  BOOST_TEST(diagnostics.items().front().text() ==
             "a.yaml:1:1: error E118 unknown-word: there is no colour 'gren'\n    got:      gren\n"
             "    expected: one of red, green\n    did you mean 'green'?");
}

BOOST_AUTO_TEST_CASE(long_texts_are_clipped) {
  Diagnostic finding{};
  finding.code = ErrorCode::wrong_type;
  finding.got = std::string(399, 'a') + "\xC3\xA9" + std::string(1000000, 'b');  // a character across the bound
  finding.expected = std::string(1000000, 'c');
  const Error error(finding);
  BOOST_TEST(std::string(error.what()).size() < 6000U);
  BOOST_TEST(error.diagnostics().front().got == std::string(399, 'a') + "... (1000401 bytes)");
}

BOOST_AUTO_TEST_CASE(codes_are_distinct) {
  std::set<std::string_view> numbers, names;
  int count = 0;
#define X(identifier, number, name) \
  ++count;                          \
  numbers.insert(number);           \
  names.insert(name);
  LOOM_ERROR_CODES(X)
#undef X
  BOOST_TEST(numbers.size() == static_cast<std::size_t>(count));
  BOOST_TEST(names.size() == static_cast<std::size_t>(count));
  BOOST_TEST(error_number(ErrorCode::unknown_port) == "E203");
}

BOOST_AUTO_TEST_CASE(nearest_names) {
  const std::vector<std::string> names = {"encoder", "decoder", "z", "q"};
  BOOST_TEST(nearest_name("encodre", names) == "encoder");
  BOOST_TEST(nearest_name("Decoder", names) == "decoder");
  BOOST_TEST(nearest_name("something", names) == "");
}

BOOST_AUTO_TEST_SUITE_END()
