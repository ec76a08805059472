// Private to framework/dnnl: the constant matrices of Winograd's short convolutions, made from their interpolation points.
//
// F(m, r) gives m outputs of a correlation with r taps from a tile of a = m + r - 1 inputs with a multiplications:
//   y = A^T [(G g) * (B^T d)]         Winograd 1980, Arithmetic Complexity of Computations; Lavin and Gray 2016
// With the points p_0 ... p_{a-2} and infinity (Cook and Toom), M(x) = prod (x - p_l), M_j = M / (x - p_j), N_j = M_j(p_j):
//   A^T[i][j] = p_j^i,  G[j][k] = p_j^k / N_j,  B^T[j][k] = the coefficient of x^k in M_j
// and for infinity A^T has a 1 in its last row, G a 1 in its last column, B^T the coefficients of M. Everything is computed
// by the compiler.
#pragma once

#include <array>
#include <cstddef>

namespace loom::dnnl::detail {

template <int kRows, int kColumns>
using FloatMatrix = std::array<std::array<float, kColumns>, kRows>;

template <int kM, int kR>
struct WinogradForm {
  static constexpr int m = kM, r = kR, a = kM + kR - 1;
  // 0, 1, -1, 2, -2; of five with infinity, 1/2 in place of 2: its powers are small.
  static constexpr double point(int j) {
    if (a == 5 && j == 3) return 0.5;
    return j % 2 == 1 ? (j + 1) / 2 : -j / 2;
  }

 private:
  static_assert(a >= 3 && a <= 6, "more points lose too many bits in f32");

  static constexpr double power(double x, int n) { return n == 0 ? 1.0 : x * power(x, n - 1); }
  // prod over the points but `left_out` (none for -1) of (x - p), by rising powers of x.
  static constexpr std::array<double, a> product(int left_out) {
    std::array<double, a> c{};
    c[0] = 1;
    for (int j = 0; j < a - 1; ++j) {
      if (j == left_out) continue;
      for (int k = a - 1; k > 0; --k) c[k] = c[k - 1] - point(j) * c[k];
      c[0] *= -point(j);
    }
    return c;
  }
  static constexpr double at_point(int j) {
    double value = 1;
    for (int l = 0; l < a - 1; ++l) value *= l == j ? 1.0 : point(j) - point(l);
    return value;
  }
  static constexpr FloatMatrix<a, a> make_bt() {
    FloatMatrix<a, a> bt{};
    for (int j = 0; j < a; ++j) {
      const auto row = product(j < a - 1 ? j : -1);
      for (int k = 0; k < a; ++k) bt[j][k] = static_cast<float>(row[k]);
    }
    return bt;
  }
  static constexpr FloatMatrix<a, r> make_g() {
    FloatMatrix<a, r> g{};
    for (int j = 0; j < a - 1; ++j)
      for (int k = 0; k < r; ++k) g[j][k] = static_cast<float>(power(point(j), k) / at_point(j));
    g[a - 1][r - 1] = 1;
    return g;
  }
  static constexpr FloatMatrix<m, a> make_at() {
    FloatMatrix<m, a> at{};
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < a - 1; ++j) at[i][j] = static_cast<float>(power(point(j), i));
    at[m - 1][a - 1] = 1;
    return at;
  }
  template <std::size_t kRows, std::size_t kColumns>
  static constexpr auto transposed(const std::array<std::array<float, kColumns>, kRows>& matrix) {
    std::array<std::array<float, kRows>, kColumns> result{};
    for (std::size_t i = 0; i < kRows; ++i)
      for (std::size_t j = 0; j < kColumns; ++j) result[j][i] = matrix[i][j];
    return result;
  }

 public:
  static constexpr FloatMatrix<a, a> bt = make_bt();       // of the input
  static constexpr FloatMatrix<a, r> g = make_g();         // of the weight
  static constexpr FloatMatrix<m, a> at = make_at();       // of the output
  static constexpr FloatMatrix<a, m> up = transposed(at);  // of the output's gradient
  static constexpr FloatMatrix<r, a> gt = transposed(g);   // of the weight's gradient
};

// F(1, 1), of an axis along which the kernel has one tap: nothing is transformed.
struct OneTap {
  static constexpr FloatMatrix<1, 1> bt{{{1.0F}}}, g{{{1.0F}}}, at{{{1.0F}}}, up{{{1.0F}}}, gt{{{1.0F}}};
};

}  // namespace loom::dnnl::detail
