#include "loom/error.h"

#include <set>

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
    return error.diagnostics().size() == 3 && std::string(error.what()).find("2 more findings") != std::string::npos;
  });
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
