// Private to framework/dnnl: the transforms of Winograd convolutions, across channels. A tile is given as pointers to its
// pixels, each with all channels; what lies outside of the image points to zeros.
//
// With F(m, r) along the rows of an image's pixels and F(m', r') along its columns, a tile has a x a' pixels, a = m + r - 1,
// and gives m x m' outputs of a kernel of r x r' taps. Transformed values are a x a' vectors, `distance` floats apart. In the
// formulas A, B and G are of winograd_form.h; the right one, transposed, is that of the columns.
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>

namespace loom::dnnl::detail {

// m and r of winograd_form.h: the same along both axes, or those along rows_columns. Of a line: along the rows alone.
enum class WinogradKind { f43, f23, f42, f42_f43, f43_f42, f43_f25, line_f43, line_f42, line_f25 };

// What winograd_form.h has along one axis: outputs, taps, inputs.
struct AxisForm {
  int m, r;
  constexpr int a() const { return m + r - 1; }
};
struct TileForm {
  AxisForm rows, columns;
  constexpr int inputs() const { return rows.a() * columns.a(); }
};
constexpr TileForm form_of(WinogradKind kind) {
  switch (kind) {
    case WinogradKind::f23: return {{2, 3}, {2, 3}};
    case WinogradKind::f42: return {{4, 2}, {4, 2}};
    case WinogradKind::f42_f43: return {{4, 2}, {4, 3}};
    case WinogradKind::f43_f42: return {{4, 3}, {4, 2}};
    case WinogradKind::f43_f25: return {{4, 3}, {2, 5}};
    case WinogradKind::line_f43: return {{4, 3}, {1, 1}};
    case WinogradKind::line_f42: return {{4, 2}, {1, 1}};
    case WinogradKind::line_f25: return {{2, 5}, {1, 1}};
    case WinogradKind::f43: break;
  }
  return {{4, 3}, {4, 3}};
}

// B^T d B of the pixels d [a][a'].
void winograd_input(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                    std::int64_t distance);
// y = relu(A^T t A + bias) into pixels [m][m']; those that are null are left out. `bias` may be null.
void winograd_output(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                     const float* bias, bool relu, float* const* pixels);
// A dy A^T of the pixels dy [m][m'].
void winograd_output_gradient(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                              std::int64_t distance);
// G g G^T of the taps g [r][r'].
void winograd_weight(WinogradKind kind, const float* const* taps, std::int64_t channels, float* out,
                     std::int64_t distance);
// G^T s G into taps [r][r'].
void winograd_weight_gradient(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                              float* const* taps);

}  // namespace loom::dnnl::detail
