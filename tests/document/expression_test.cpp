// ${expressions}.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(document_expression)

BOOST_AUTO_TEST_CASE(expressions_keep_types) {
  const Document document = parse(
      "vars: {n: 3, half: '${n / 2}', name: relu}\nnodes:\n  x: {type: t, a: '${n + 1}', b: '${half}', c: '${name}', "
      "d: 'k${n}', e: ['${n}', 1], f: '3'}\n");
  const auto& options = node(document, "x").options;
  BOOST_TEST(std::get<std::int64_t>(options.at("a").value) == 4);
  BOOST_TEST(std::get<double>(options.at("b").value) == 1.5);
  BOOST_TEST(std::get<std::string>(options.at("c").value) == "relu");
  BOOST_TEST(std::get<std::string>(options.at("d").value) == "k3");
  BOOST_TEST(std::get<std::string>(options.at("f").value) == "3");
  BOOST_TEST(contains(failure("vars: {latent: 3}\nnodes:\n  x: {type: t, a: '${latnet}'}\n"),
                      "test.yaml:3:19: error E108 unknown-variable: there is no variable 'latnet'"));
  BOOST_TEST(
      contains(failure("vars: {latent: 3}\nnodes:\n  x: {type: t, a: '${latnet}'}\n"), "did you mean 'latent'?"));
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t, a: '${1 +}'}\n"), "E107"));
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t, a: '${1 / 0}'}\n"), "E107"));
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t, a: '${1 % 0}'}\n"), "E107"));
}

BOOST_AUTO_TEST_CASE(variables_use_each_other_in_any_order) {
  const Document document =
      parse("vars: {a: '${b + 1}', b: '${c * 2}', c: 3}\nnodes:\n  x: {type: t, a: '${a}', b: '${b}'}\n");
  BOOST_TEST(option(document, "x", "a") == "7");
  BOOST_TEST(option(document, "x", "b") == "6");
  BOOST_TEST(contains(failure("vars: {a: '${b}', b: '${a}'}\nnodes: {}\n"), "test.yaml:1:11: error E108"));
}

BOOST_AUTO_TEST_CASE(arithmetic) {
  const auto value = [](const std::string& expression) {
    return option(parse("vars: {n: 6, h: 0.5, s: ab}\nnodes:\n  x: {type: t, a: \"" + expression + "\"}\n"), "x", "a");
  };
  BOOST_TEST(value("${n}") == "6");
  BOOST_TEST(value("${ n * (2 + 1) }") == "18");
  BOOST_TEST(value("${n / 4}") == "1.5");
  BOOST_TEST(value("${n / 4 * 2}") == "3");
  BOOST_TEST(value("${2 ^ ((n + 1) % 4)}") == "8");
  BOOST_TEST(value("${n > 5 ? 1 : 2}") == "1");
  BOOST_TEST(value("${n == 5 ? 1 : 2}") == "2");
  BOOST_TEST(value("${max(n, 7)}") == "7");
  BOOST_TEST(value("${sqrt(4 * h * h)}") == "1");
  BOOST_TEST(value("${2 ^ 10}") == "1024");
  BOOST_TEST(value("${s}${n}-${h}") == "ab6-0.5");
  BOOST_TEST(value("${-2 ^ 2}") == "-4");
  BOOST_TEST(value("${2 ** 3 ^ 2}") == "512");
  BOOST_TEST(value("${-7 % 4}") == "-3");
  BOOST_TEST(value("${49 / 49}") == "1");
  BOOST_TEST(value("${rint(2.5)}") == "3");
  BOOST_TEST(value("${round(2.5)}") == "2");
  BOOST_TEST(value("${n > 5 && h < 0 || n == 6}") == "1");
  BOOST_TEST(value("${n < 5 ? 1 : n < 7 ? 2 : 3}") == "2");
  BOOST_TEST(value("${n == 0 ? 1 / n : 16777217}") == "16777217");
  BOOST_TEST(value("${max(16777217, n)}") == "16777217");
  BOOST_TEST(value("${where(n > 5, floor(pi), 0)}") == "3");
}

// A number in the place of a variable, the caret below what is wrong.
BOOST_AUTO_TEST_CASE(errors_show_the_place) {
  const auto found = [](const std::string& expression) {
    return failure("vars: {n: 6, s: ab}\nnodes:\n  x: {type: t, a: '" + expression + "'}\n");
  };
  BOOST_TEST(contains(found("${2 * m}"), "    2 * m\n        ^"), found("${2 * m}"));
  BOOST_TEST(contains(found("${2 * s}"), "    2 * s\n        ^"), found("${2 * s}"));
  BOOST_TEST(contains(found("${n 2}"), "    n 2\n      ^"), found("${n 2}"));
  BOOST_TEST(contains(found("${ln(n)}"), "log(x)"), found("${ln(n)}"));
  BOOST_TEST(contains(found("${sqrt(n, 2)}"), "E107 bad-expression: sqrt takes 1 value"), found("${sqrt(n, 2)}"));
  BOOST_TEST(contains(found("${n ? 1}"), "condition ? a : b"), found("${n ? 1}"));
}

BOOST_AUTO_TEST_SUITE_END()
