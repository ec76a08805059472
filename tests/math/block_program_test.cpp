#include "math/block_program.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "io/npz.h"

using namespace loom::math;

namespace {

using Floats = std::vector<float>;
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

Floats applied(BlockOp op, Floats a, Floats b = {}, Floats c = {}) {
  Floats y(a.size(), -99);
  b.resize(a.size());
  c.resize(a.size());
  float* const values[] = {y.data(), a.data(), b.data(), c.data()};
  const BlockStep step{op, 0, 1, 2, 3, 2, 0.5F};
  run_block({&step, 1}, values, static_cast<std::int64_t>(a.size()), kAll);
  return y;
}

std::vector<BlockOp> all_operations() {
  std::vector<BlockOp> all;
  for (int i = 0; i <= static_cast<int>(BlockOp::negative_multiply_add); ++i) all.push_back(static_cast<BlockOp>(i));
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_program)

// Against mpmath: tests/golden/make_functions.py.
BOOST_AUTO_TEST_CASE(functions_are_accurate_over_their_domains) {
  auto file = loom::read_npz(std::string(LOOM_SOURCE_DIR) + "/tests/golden/functions.npz");
  const std::map<std::string, BlockOp> operations = {{"exp", BlockOp::exp},
                                                     {"expm1", BlockOp::expm1},
                                                     {"log", BlockOp::log},
                                                     {"log1p", BlockOp::log1p},
                                                     {"sqrt", BlockOp::sqrt},
                                                     {"rsqrt", BlockOp::rsqrt},
                                                     {"sin", BlockOp::sin},
                                                     {"cos", BlockOp::cos},
                                                     {"tanh", BlockOp::tanh},
                                                     {"sigmoid", BlockOp::sigmoid},
                                                     {"softplus", BlockOp::softplus},
                                                     {"erf", BlockOp::erf},
                                                     {"lgamma", BlockOp::lgamma},
                                                     {"digamma", BlockOp::digamma},
                                                     {"trigamma", BlockOp::trigamma},
                                                     {"pow", BlockOp::power},
                                                     {"reciprocal", BlockOp::reciprocal},
                                                     {"tetragamma", BlockOp::tetragamma}};
  for (const auto& [name, op] : operations) {
    const auto span = file.at(name + "/x").values();
    const Floats x(span.begin(), span.end());
    Floats p;
    if (name == "pow") p.assign(file.at("pow/p").values().begin(), file.at("pow/p").values().end());
    const Floats y = applied(op, x, p);
    const auto expected = file.at(name + "/y").values();
    double worst = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (y[i] == expected[i]) continue;
      const double error = std::abs(static_cast<double>(y[i]) - static_cast<double>(expected[i])) /
                           std::max(name == "lgamma" ? 1e-8 : 1e-35, std::abs(static_cast<double>(expected[i])));
      if (!(error <= worst)) worst = error, where = i;
    }
    BOOST_TEST(worst <= 1e-6,
               name << "(" << x[where] << ") is " << y[where] << ", and not " << expected[where] << ": " << worst);
  }
}

BOOST_AUTO_TEST_CASE(the_ends_of_domains) {
  const auto at = [](BlockOp op, float x) { return evaluate(op, x); };
  BOOST_TEST(at(BlockOp::log, 0) == -kInfinity);
  BOOST_TEST(std::isnan(at(BlockOp::log, -1)));
  BOOST_TEST(at(BlockOp::exp, kInfinity) == kInfinity);
  BOOST_TEST(at(BlockOp::exp, -kInfinity) == 0);
  BOOST_TEST(at(BlockOp::expm1, -kInfinity) == -1);
  BOOST_TEST(at(BlockOp::sigmoid, -200) == 0);
  BOOST_TEST(at(BlockOp::softplus, 200) == 200);
  BOOST_TEST(at(BlockOp::sign, 0) == 0);
  for (const float pole : {0.0F, -1.0F, -7.0F}) {
    BOOST_TEST(at(BlockOp::lgamma, pole) == kInfinity);
    BOOST_TEST(!std::isfinite(at(BlockOp::digamma, pole)));
    BOOST_TEST(at(BlockOp::trigamma, pole) == kInfinity);
  }
  BOOST_TEST(at(BlockOp::lgamma, kInfinity) == kInfinity);
  BOOST_TEST(evaluate(BlockOp::power, 0, 0) == 1);
  BOOST_TEST(evaluate(BlockOp::power, 0, -1) == kInfinity);
  BOOST_TEST(evaluate(BlockOp::power, -2, 3) == -8);
  BOOST_TEST(std::isnan(evaluate(BlockOp::power, -2, 0.5F)));
  BOOST_TEST(at(BlockOp::round, 2.5F) == 2);
}

BOOST_AUTO_TEST_CASE(not_a_number_passes_on) {
  for (const BlockOp op : all_operations()) {
    BOOST_TEST_CONTEXT("operation " << static_cast<int>(op)) {
      const bool compares = op == BlockOp::less || op == BlockOp::less_equal || op == BlockOp::equal;
      for (int place = 0; place < operand_count(op); ++place) {
        float x[] = {1.5F, 2.5F, 3.5F};
        x[place] = kNaN;
        const float y = evaluate(op, x[0], x[1], x[2], 2, 0.5F);
        if (compares)
          BOOST_TEST(y == 0);
        else if (op == BlockOp::not_equal)
          BOOST_TEST(y == 1);
        else if (op == BlockOp::select)
          BOOST_TEST((place == 1 ? std::isnan(y) : y == (place == 0 ? 3.5F : 2.5F)));
        else
          BOOST_TEST(std::isnan(y));
      }
    }
  }
}

// Every count, so that whole vectors and rests meet; an output that is an operand.
BOOST_AUTO_TEST_CASE(every_length_gives_the_same_bits) {
  Floats a(70), b(70), c(70);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = 0.1F + 0.07F * static_cast<float>(i);
    b[i] = 2 - 0.05F * static_cast<float>(i);
    c[i] = static_cast<float>(i % 3) - 1;
  }
  for (const BlockOp op : all_operations()) {
    const Floats whole = applied(op, a, b, c);
    for (std::size_t n = 1; n < a.size(); ++n) {
      const auto first = [&](const Floats& x) { return Floats(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)); };
      const Floats part = applied(op, first(a), first(b), first(c));
      BOOST_REQUIRE_MESSAGE(std::equal(part.begin(), part.end(), whole.begin()),
                            "operation " << static_cast<int>(op) << ", length " << n);
    }
    Floats y = a;
    float* const values[] = {y.data(), y.data(), b.data(), c.data()};
    const BlockStep step{op, 0, 1, 2, 3, 2, 0.5F};
    run_block({&step, 1}, values, static_cast<std::int64_t>(y.size()), kAll);
    BOOST_TEST(std::equal(y.begin(), y.end(), whole.begin()));
  }
}

BOOST_AUTO_TEST_CASE(steps_that_nothing_wants_are_left_out) {
  float y = -1, x = 4;
  float* const values[] = {&y, &x};
  BlockStep step{BlockOp::sqrt, 0, 1};
  step.needed_for = 2;
  run_block({&step, 1}, values, 1, 1);
  BOOST_TEST(y == -1);
  run_block({&step, 1}, values, 1, 3);
  BOOST_TEST(y == 2);
}

BOOST_AUTO_TEST_CASE(reductions_of_rows_and_columns) {
  for (const std::int64_t n : {1, 3, 8, 16, 37, 100}) {
    const std::int64_t rows = 5;
    Floats x(static_cast<std::size_t>(rows * n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1 + 0.01F * static_cast<float>((i * 7) % 13);
    for (const Reduction reduction : {Reduction::sum, Reduction::product, Reduction::maximum, Reduction::minimum}) {
      const auto combined = [&](double a, double b) {
        switch (reduction) {
          case Reduction::sum: return a + b;
          case Reduction::product: return a * b;
          case Reduction::maximum: return std::max(a, b);
          default: return std::min(a, b);
        }
      };
      std::vector<double> sums(static_cast<std::size_t>(rows), identity_of(reduction));
      Floats columns(static_cast<std::size_t>(n), static_cast<float>(identity_of(reduction)));
      reduce_rows(reduction, x.data(), rows, n, sums.data());
      reduce_columns(reduction, x.data(), rows, n, columns.data());
      std::vector<double> by_row(sums.size(), identity_of(reduction)),
          by_column(columns.size(), identity_of(reduction));
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < n; ++i) {
          const auto value = static_cast<double>(x[static_cast<std::size_t>(r * n + i)]);
          auto &row = by_row[static_cast<std::size_t>(r)], &column = by_column[static_cast<std::size_t>(i)];
          row = combined(row, value);
          column = combined(column, value);
        }
      }
      for (std::size_t r = 0; r < sums.size(); ++r) BOOST_TEST(std::abs(sums[r] / by_row[r] - 1) < 1e-6);
      for (std::size_t i = 0; i < columns.size(); ++i)
        BOOST_TEST(std::abs(static_cast<double>(columns[i]) / by_column[i] - 1) < 1e-6);
    }
    Floats with_nan(static_cast<std::size_t>(n), 1);
    with_nan.back() = kNaN;
    double largest = identity_of(Reduction::maximum);
    reduce_rows(Reduction::maximum, with_nan.data(), 1, n, &largest);
    BOOST_TEST(std::isnan(largest));
  }
}

BOOST_AUTO_TEST_CASE(repeats_each_value) {
  for (const std::int64_t n : {1, 2, 15, 40}) {
    const Floats x{1, 2, 3};
    Floats y(static_cast<std::size_t>(3 * n + kBlockPadding), 0);
    repeat_each(x.data(), 3, n, y.data());
    for (std::int64_t i = 0; i < 3 * n; ++i)
      BOOST_REQUIRE(y[static_cast<std::size_t>(i)] == x[static_cast<std::size_t>(i / n)]);
  }
}

BOOST_AUTO_TEST_SUITE_END()
