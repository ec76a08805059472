// Sums of products against loops over all axes, for random axes, extents and layouts.
#include <random>

#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

// y of an equation, by loops.
std::vector<double> by_loops(const std::vector<std::string>& terms, const std::string& result,
                             const std::map<char, std::int64_t>& extents, const std::vector<const float*>& factors) {
  std::vector<std::pair<char, std::int64_t>> axes(extents.begin(), extents.end());
  std::map<char, std::int64_t> at;
  const auto place = [&](const std::string& letters) {
    std::int64_t index = 0;
    for (const char c : letters) index = index * extents.at(c) + at[c];
    return static_cast<std::size_t>(index);
  };
  std::int64_t count = 1, total = 1;
  for (const char c : result) count *= extents.at(c);
  for (const auto& [c, extent] : axes) total *= extent;
  std::vector<double> y(static_cast<std::size_t>(count), 0.0);
  for (std::int64_t i = 0; i < total; ++i) {
    std::int64_t rest = i;
    for (const auto& [c, extent] : axes) at[c] = rest % extent, rest /= extent;
    double product = 1;
    for (std::size_t k = 0; k < terms.size(); ++k) product *= static_cast<double>(factors[k][place(terms[k])]);
    y[place(result)] += product;
  }
  return y;
}

std::string letters_for(std::mt19937& random, bool repeats) {
  std::string letters = "n", pool = "abcd";
  std::ranges::shuffle(pool, random);
  letters += pool.substr(0, random() % 4);
  if (repeats && letters.size() > 1 && random() % 3 == 0) letters += letters[1 + random() % (letters.size() - 1)];
  return letters;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(contraction)

BOOST_AUTO_TEST_CASE(einsum_equals_loops) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::map<char, std::int64_t> extents = {{'n', 1 + random() % 3}};
    for (const char c : {'a', 'b', 'c', 'd'}) extents[c] = 1 + random() % 5;
    std::vector<std::string> terms;
    const std::size_t count = 1 + random() % 3;
    for (std::size_t k = 0; k < count; ++k) terms.push_back(letters_for(random, true));
    std::string seen, result = "n", equation;
    for (const std::string& term : terms) {
      for (const char c : term)
        if (c != 'n' && seen.find(c) == std::string::npos) seen += c;
      equation += (equation.empty() ? "" : ",") + term;
    }
    std::ranges::shuffle(seen, random);
    result += seen.substr(0, random() % (seen.size() + 1));
    std::map<char, std::int64_t> used;
    for (const char c : seen + "n") used[c] = extents[c];
    auto tester = node("einsum");
    tester.option("equation", equation + "->" + result);
    std::vector<loom::Tensor> inputs;
    std::vector<const float*> factors;
    for (std::size_t k = 0; k < terms.size(); ++k) {
      loom::Shape shape;
      for (const char c : terms[k]) shape.push_back(extents[c]);
      inputs.push_back(random_tensor(shape, static_cast<std::uint64_t>(trial) * 8 + k));
      tester.input("x" + std::to_string(k), inputs.back().clone());
    }
    for (const loom::Tensor& input : inputs) factors.push_back(input.view().data());
    BOOST_TEST_CHECKPOINT(equation << "->" << result);
    const std::vector<double> expected = by_loops(terms, result, used, factors);
    const loom::Tensor y = tester.run().outputs.at("y").clone();
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(y.values()[i]) - expected[i]));
    BOOST_TEST(worst < 1e-4, equation << "->" << result << " is off by " << worst);
    const Report gradients = tester.check_gradients();
    BOOST_TEST(gradients.ok(), equation << "->" << result << ": " << gradients.text());
  }
}

BOOST_AUTO_TEST_CASE(matmul_and_einsum_agree) {
  struct Case {
    loom::Shape a, b;
    bool ta, tb;
    std::string equation;
  };
  const std::vector<Case> cases = {{{3, 4, 5}, {3, 5, 6}, false, false, "nij,njk->nik"},
                                   {{3, 5, 4}, {3, 5, 6}, true, false, "nji,njk->nik"},
                                   {{3, 4, 5}, {3, 6, 5}, false, true, "nij,nkj->nik"},
                                   {{3, 5, 4}, {3, 6, 5}, true, true, "nji,nkj->nik"},
                                   {{3, 2, 4, 5}, {3, 2, 5, 6}, false, false, "nhij,nhjk->nhik"},
                                   {{3, 2, 4, 5}, {3, 5, 6}, false, false, "nhij,njk->nhik"},
                                   {{3, 4, 5}, {3, 5}, false, false, "nij,nj->ni"},
                                   {{3, 5}, {3, 5, 6}, false, false, "nj,njk->nk"},
                                   {{3, 5}, {3, 5}, false, false, "nj,nj->n"},
                                   {{3, 4, 1}, {3, 1, 6}, false, false, "nij,njk->nik"}};
  for (const Case& c : cases) {
    auto product = node("matmul"), sum = node("einsum");
    product.option("transpose_a", c.ta).option("transpose_b", c.tb).random_input("a", c.a).random_input("b", c.b);
    sum.option("equation", c.equation);
    sum.input("x0", random_tensor(c.a, loom::stream_of("a"))).input("x1", random_tensor(c.b, loom::stream_of("b")));
    Report report = product.check();
    compare(report, c.equation, product.run().outputs.at("y"), sum.run().outputs.at("y"), 1e-5);
    BOOST_TEST(report.ok(), c.equation << ": " << report.text());
  }
  auto broadcast = node("matmul");  // [2, 1] with [1, 3] in front
  broadcast.random_input("a", {4, 2, 1, 3, 5}).random_input("b", {4, 1, 3, 5, 2});
  BOOST_TEST(broadcast.output_shapes().front().event().text() == "[2, 3, 3, 2]");
  expect_ok(broadcast.check());
}

BOOST_AUTO_TEST_CASE(einsum_of_many_samples_and_shards) {
  auto tester = node("einsum");
  expect_ok(tester.option("equation", "nqhd,nkhd->nhqk")
                .random_input("x0", {4, 6, 2, 8})
                .random_input("x1", {4, 5, 2, 8})
                .check());
  auto three = node("einsum");
  expect_ok(three.option("equation", "nab,nbc,nac->n")
                .random_input("x0", {4, 3, 4})
                .random_input("x1", {4, 4, 5})
                .random_input("x2", {4, 3, 5})
                .check());
}

BOOST_AUTO_TEST_CASE(report_what_does_not_fit) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"nij,njk", "no result"},
      {"nij,njk->n1", "'1' names no axis"},
      {"n...,njk->n", "'.' names no axis"},
      {"nij,jk->nik", "does not have it as its first axis alone"},
      {"nij,njn->ni", "first axis alone"},
      {"nij,njk->ik", "first axis alone"},
      {"nij,njk->nil", "'l' of the result is in no factor"},
      {"nij,njk->nii", "twice in the result"},
      {"nij->ni", "another number of factors"},
      {"nij,njkl->nik", "another number of axes"},
      {"nij,nkj->nik", "'j' has two extents"},
      {",njk->nik", "no axes"}};
  for (const auto& [equation, message] : bad) {
    auto tester = node("einsum");
    tester.option("equation", equation).random_input("x0", {2, 3, 4}).random_input("x1", {2, 4, 5});
    expect_error(tester, message);
  }
  auto summed = node("matmul");
  expect_error(summed.random_input("a", {2, 3, 4}).random_input("b", {2, 3, 4}), "summed extents are 4 and 3");
  auto leading = node("matmul");
  expect_error(leading.random_input("a", {2, 3, 3, 4}).random_input("b", {2, 2, 4, 4}), "cannot be broadcast");
}

BOOST_AUTO_TEST_SUITE_END()
