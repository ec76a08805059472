// Private to framework/dnnl: the transforms of Winograd convolutions, across channels. A tile is given as pointers to its
// pixels, each with all channels; what lies outside of the image points to zeros.
//
// Transformed values are a x a vectors, `distance` floats apart, a = m + r - 1. Thread safety: functions of their arguments.
#pragma once

#include <cstdint>

namespace loom::dnnl::detail {

enum class WinogradKind { f43, f23, f42 };  // m and r of winograd_form.h

constexpr int outputs_of(WinogradKind kind) { return kind == WinogradKind::f23 ? 2 : 4; }
constexpr int taps_of(WinogradKind kind) { return kind == WinogradKind::f42 ? 2 : 3; }
constexpr int tile_of(WinogradKind kind) { return outputs_of(kind) + taps_of(kind) - 1; }

// B^T d B of the pixels d [a][a].
void winograd_input(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                    std::int64_t distance);
// y = relu(A^T t A + bias) into pixels [m][m]; those that are null are left out. `bias` may be null.
void winograd_output(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                     const float* bias, bool relu, float* const* pixels);
// A dy A^T of the pixels dy [m][m].
void winograd_output_gradient(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                              std::int64_t distance);
// G g G^T of the taps g [r][r].
void winograd_weight(WinogradKind kind, const float* const* taps, std::int64_t channels, float* out,
                     std::int64_t distance);
// G^T s G into taps [r][r].
void winograd_weight_gradient(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                              float* const* taps);

}  // namespace loom::dnnl::detail
