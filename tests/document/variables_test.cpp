// The `vars` of documents: their order, circles, names and bounds.
#include <chrono>

#include "document/support.h"

using namespace loom;
using namespace loom::check;

namespace {

std::string findings(const std::string& vars, const std::string& use = "1") {
  return failure("vars: {" + vars + "}\nnodes:\n  x: {type: t, a: \"" + use + "\"}\n");
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_variables)

BOOST_AUTO_TEST_CASE(chains_of_any_depth_in_any_order) {
  constexpr int kDepth = 3000;
  for (const bool upwards : {true, false}) {
    std::string text = "vars:\n";
    for (int i = 0; i <= kDepth; ++i) {
      const int at = upwards ? i : kDepth - i;
      text += at == 0 ? "  v0: 1\n" : fmt::format("  v{}: \"${{v{} + 1}}\"\n", at, at - 1);
    }
    const Document document = parse(text + fmt::format("nodes:\n  x: {{type: t, a: \"${{v{}}}\"}}\n", kDepth));
    BOOST_TEST(option(document, "x", "a") == fmt::format("{}", kDepth + 1));
  }
}

BOOST_AUTO_TEST_CASE(a_circle_is_one_finding_that_names_it) {
  const std::string three = findings("p: '${q + 1}', q: '${2 * r}', r: '${p}', s: '${p}', t: '${s}${q}'", "${t}");
  BOOST_TEST(count_of(three, "error ") == 1, three);
  BOOST_TEST(contains(three, "error E108 unknown-variable: the variables depend on each other in a cycle"), three);
  BOOST_TEST(contains(three, "p -> q -> r -> p"), three);
  BOOST_TEST(contains(findings("me: '${me}'"), "me -> me"));
  BOOST_TEST(count_of(findings("a: '${a}', b: '${c}', c: '${b}'"), "in a cycle") == 2);
  // Two circles through one variable are one mistake.
  BOOST_TEST(count_of(findings("a: '${b + c}', b: '${a}', c: '${a}'"), "error ") == 1);
}

BOOST_AUTO_TEST_CASE(numbers_and_functions_are_no_variables) {
  BOOST_TEST(option(parse("vars: {e5: '${1e5 + 2}'}\nnodes:\n  x: {type: t, a: '${e5}'}\n"), "x", "a") == "100002");
  BOOST_TEST(option(parse("vars: {a: '${max(b, 3)}', b: 1}\nnodes:\n  x: {type: t, a: '${a}'}\n"), "x", "a") == "3");
}

// As in formulas, what has no brackets after it is no function.
BOOST_AUTO_TEST_CASE(variables_may_be_called_as_functions_are) {
  BOOST_TEST(
      option(parse("vars: {max: 4, keep: 2, shape: 1}\nnodes:\n  x: {type: t, a: '${max(max, keep) - shape}'}\n"), "x",
             "a") == "3");
}

BOOST_AUTO_TEST_CASE(names_that_expressions_know) {
  for (const auto& [name, what] :
       {std::pair{"pi", "a constant of expressions"}, {"index", "the number of an instance in a repeat"}}) {
    const std::string text = findings(fmt::format("{}: 1", name), fmt::format("${{{} + 1}}", name));
    BOOST_TEST(contains(text, fmt::format("{}, which is {}", name, what)), text);
    BOOST_TEST(count_of(text, "error ") == 1, text);
  }
}

BOOST_AUTO_TEST_CASE(a_broken_variable_draws_one_finding) {
  const std::string text = findings("a: '${1 / 0}', b: '${a}', c: [1, 2], d: '${c + b}'", "${d}");
  BOOST_TEST(count_of(text, "error ") == 2, text);
  BOOST_TEST(contains(text, "no finite value"));
  BOOST_TEST(contains(text, "the variable 'c' has the wrong type"));
}

BOOST_AUTO_TEST_CASE(texts_that_double_are_refused_at_once) {
  std::string vars = "t0: abcdefgh";
  for (int i = 1; i < 40; ++i) vars += fmt::format(", t{}: '${{t{}}}${{t{}}}'", i, i - 1, i - 1);
  const auto start = std::chrono::steady_clock::now();
  const std::string text = findings(vars, "${t39}");
  BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(1)));
  BOOST_TEST(count_of(text, "error ") == 1, text);
  BOOST_TEST(contains(text, "E113 document-too-large: the expressions make this text too long"), text);
}

BOOST_AUTO_TEST_CASE(all_texts_of_a_document_have_a_bound) {
  std::string text = "vars: {t: " + std::string(60000, 'x') + "}\nnodes:\n  x: {type: t}\n";
  text += "  r: {type: t, in: x, repeat: 1000, a: '${t}', b: '${t}-${index}'}\n";
  const std::string found = failure(text);
  BOOST_TEST(count_of(found, "error ") == 1, found.substr(0, 2000));
  BOOST_TEST(contains(found, "E113 document-too-large: the expressions of the document produce too much text"));
}

BOOST_AUTO_TEST_CASE(expressions_have_a_length_and_a_depth) {
  std::string sum = "1";
  for (int i = 0; i < 600; ++i) sum += "+1";
  BOOST_TEST(contains(findings("a: '${" + sum + "}'"), "E113 document-too-large: this expression is too large"));
  const auto nested = [](int depth) {
    return "a: '${" + std::string(static_cast<std::size_t>(depth), '(') + "7" +
           std::string(static_cast<std::size_t>(depth), ')') + "}'";
  };
  BOOST_TEST(findings(nested(64), "${a}") == "");
  BOOST_TEST(contains(findings(nested(65)), "at most 64 nested brackets"));
  BOOST_TEST(contains(findings("a: '" + std::string(70000, 'y') + "${1}'"), "E113"));
  BOOST_TEST(findings("a: '" + std::string(70000, 'y') + "${1}'").size() < 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
