// Whatever the text, a formula is compiled, with its gradient, or refused with an error that points into it.
#include <random>

#include "expr/plan.h"
#include "expr/usage.h"
#include "formula/build.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::formula;

namespace {

const std::vector<std::string> kWords = {"x",
                                         "y",
                                         "2",
                                         "0.5",
                                         "+",
                                         "-",
                                         "*",
                                         "/",
                                         "^",
                                         "(",
                                         ")",
                                         ",",
                                         "sum(",
                                         "max(",
                                         "exp(",
                                         "where(",
                                         "softmax(",
                                         "cumsum(",
                                         "prod(",
                                         "axis=1",
                                         "axis=",
                                         "keep",
                                         "[1, 2]",
                                         "<",
                                         "==",
                                         "stop(",
                                         "var(",
                                         "-1",
                                         "@",
                                         "\xC3\xA9",
                                         "\n",
                                         "1e5",
                                         "clip(x, 0, 1)",
                                         "logsumexp(x, axis=-1, keep)"};

// True if the text is a formula.
bool compiles(const std::string& text) {
  const std::vector<std::string> names = {"x", "y"};
  const std::vector<Shape> events = {{3, 4}, {4}};
  try {
    Built built = build(parse_all({{}, {{"y", text}}, true}), names, events);
    std::vector<Id> results = add_gradients(built, {true, true});
    std::vector<Source> sources = {{12, false}, {4, false}, {built.list.shape(built.outputs[0]).count(), false}};
    const Operations needed = needed_operations(built.list, results);
    make_plan({needed, results, {12, 4}, sources});
    return true;
  } catch (const Error& error) {
    for (const Diagnostic& finding : error.diagnostics())
      BOOST_TEST((finding.code != ErrorCode::internal), text << ": " << error.what());
    BOOST_TEST((text.find_first_not_of(" \t\r\n") == std::string::npos ||
                error.diagnostics().front().excerpt.find('^') != std::string::npos));
    return false;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(formula_texts)

BOOST_AUTO_TEST_CASE(random_texts_are_read_or_refused) {
  std::mt19937 random(17);
  int formulas = 0;
  for (int i = 0; i < 30000; ++i) {
    std::string text;
    for (std::size_t n = random() % 9 + 1; n > 0; --n)
      text += kWords[random() % kWords.size()] + (random() % 3 == 0 ? " " : "");
    formulas += compiles(text) ? 1 : 0;
  }
  BOOST_TEST(formulas > 300);
}

BOOST_AUTO_TEST_CASE(bytes_are_read_or_refused) {
  std::mt19937 random(18);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (std::size_t n = random() % 20; n > 0; --n) text += static_cast<char>(random() % 255 + 1);
    compiles(text);
  }
}

BOOST_AUTO_TEST_CASE(long_texts_are_bounded) {
  std::string sum = "x";
  while (sum.size() + 4 < kMaxText) sum += " + y";
  BOOST_TEST(!compiles(sum));  // too many operations in a row
  BOOST_TEST(!compiles(sum + sum));
  std::string signs(60, '-');
  BOOST_TEST(compiles(signs + "x"));
  BOOST_TEST(!compiles(std::string(10000, '-') + "x"));
  BOOST_TEST(!compiles(std::string(10000, '(') + "x"));
  std::string powers = "x";
  for (int i = 0; i < 5000; ++i) powers += "^2";
  BOOST_TEST(!compiles(powers));
}

BOOST_AUTO_TEST_SUITE_END()
