// Each formula of bad_formulas.txt is refused with exactly the message that stands below it there. The inputs are x [N, 3, 4],
// y [N, 5], s [N] and k [N, 3], of integers. A line of another option ("let.m: ...") may follow the formula.
// UPDATE_EXPECTED=1 writes the messages anew: read them before you commit them.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

const std::string kFile = std::string(LOOM_SOURCE_DIR) + "/tests/nodes/expr/bad_formulas.txt";

// Lines "OPTION: text" or "SECTION.NAME: text", in which \n is the end of a line.
struct BadFormula {
  std::vector<std::pair<std::string, std::string>> options;
  std::string message;
};

std::string with_line_ends(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  return text;
}

std::vector<BadFormula> read_formulas() {
  std::ifstream file(kFile);
  std::vector<BadFormula> all(1);
  bool message = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "--") {
      all.emplace_back();
      message = false;
    } else if (message) {
      all.back().message += line + "\n";
    } else if (line.empty()) {
      message = true;
    } else {
      const std::size_t colon = line.find(": ");
      all.back().options.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  if (all.back().options.empty()) all.pop_back();
  return all;
}

std::string message_of(const BadFormula& bad) {
  auto tester = node("expr");
  std::map<std::string, OptionMap> sections;
  for (const auto& [name, text] : bad.options) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos)
      tester.option(name, with_line_ends(text));
    else
      sections[name.substr(0, dot)].push_back({name.substr(dot + 1), with_line_ends(text)});
  }
  for (const auto& [name, map] : sections) tester.option(name, map);
  tester.random_input("x", {2, 3, 4}).random_input("y", {2, 5}).random_input("s", {2});
  tester.input("k", tensor_of({2, 3}, std::vector<std::int32_t>{0, 1, 2, 0, 1, 2}));
  return tester.error() + "\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_formulas)

BOOST_AUTO_TEST_CASE(each_is_refused_with_its_message) {
  std::vector<BadFormula> all = read_formulas();
  BOOST_TEST(all.size() >= 60U);
  const bool update = std::getenv("UPDATE_EXPECTED") != nullptr;
  std::ostringstream text;
  for (const BadFormula& bad : all) {
    const std::string message = message_of(bad);
    BOOST_TEST(message.starts_with("error E"), bad.options.front().second << ": no error");
    if (!update) BOOST_TEST(message == bad.message);
    text << (text.str().empty() ? "" : "--\n");
    for (const auto& [name, formula] : bad.options) text << name << ": " << formula << "\n";
    text << "\n" << message;
  }
  if (update) std::ofstream(kFile) << text.str();
}

BOOST_AUTO_TEST_SUITE_END()
