// The forward pass of a Winograd convolution, and its gradient by the input, which is the forward pass of the transposed
// convolution.
#include <algorithm>
#include <array>

#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"
#include "dnnl/winograd_chunks.h"

namespace loom::dnnl {

using namespace detail;

namespace {

// One convolution with stride 1 whose inputs are the phases of a plane, and whose outputs are one phase of another.
struct Part {
  std::vector<Phase2d> inputs;
  Phase2d output;
};

// Forward: one part, whose inputs are all phases of x. Gradient by x: a part for each phase of x, whose input is dy.
class WinogradForward final : public ForwardKernel {
 public:
  WinogradForward(const ConvolutionShape& s, WinogradKind kind, bool gradient, bool relu)
      : shape_(s),
        kind_(kind),
        form_(form_of(kind)),
        gradient_(gradient),
        relu_(relu),
        in_(gradient ? Plane{s.out_h(), s.out_w(), s.filters} : Plane{s.h, s.w, s.c}),
        out_(gradient ? Plane{s.h, s.w, s.c} : Plane{s.out_h(), s.out_w(), s.filters}) {
    const int down = form_.rows.r, across = form_.columns.r;
    if (gradient) {
      for (const Phase2d& phase : pairs(gradient_phases(rows_of(s), down), gradient_phases(columns_of(s), across)))
        if (phase.row.outputs > 0 && phase.column.outputs > 0) parts_.push_back({{phase}, phase});
    } else {
      parts_.push_back({pairs(forward_phases(rows_of(s), down), forward_phases(columns_of(s), across)), {}});
      parts_.front().output = parts_.front().inputs.front();
    }
    depth_ = static_cast<std::int64_t>(parts_.front().inputs.size()) * in_.channels;
    together_ = most_together(s, depth_ / in_.channels, std::max(in_.channels, out_.channels));
    const std::int64_t per_tile = squares() * (depth_ + out_.channels);
    for (const Part& part : parts_) {
      const Tiles tiles(part.output, form_);
      const std::int64_t all = s.n * tiles.per_sample();
      chunk_.push_back(chunk_tiles(per_tile, all));
      products_.emplace_back(MatmulShape{.n = out_.channels, .k = depth_}, &MatmulShape::m, chunk_.back(), all,
                             squares(),
                             TileProduct::Distances{matrix_distance(chunk_.back() * depth_), depth_ * out_.channels,
                                                    matrix_distance(chunk_.back() * out_.channels)});
      inner_bytes_ = std::max(inner_bytes_, products_.back().scratch_bytes());
    }
    const std::int64_t most = *std::ranges::max_element(chunk_);
    tiles_at_ = float_bytes(together_ * in_.channels) + float_bytes(together_ * out_.channels);
    result_at_ = tiles_at_ + float_bytes(squares() * matrix_distance(most * depth_));
    inner_at_ = result_at_ + float_bytes(squares() * matrix_distance(most * out_.channels));
  }

  std::size_t scratch_bytes() const override { return inner_at_ + inner_bytes_; }
  std::size_t pack_scratch_bytes() const override {
    return float_bytes(shape_.weight_count()) + float_bytes(out_.channels);
  }
  std::size_t packed_bytes() const override { return parts_.size() * part_floats() * sizeof(float); }
  std::string implementation() const override { return "winograd " + products_.front().implementation(); }

  // [part][a x a][phase, channel of the input][channel of the output].
  void pack(const float* weight, void* packed, void* scratch) const override {
    float* plain = static_cast<float*>(scratch);  // [in][kh][kw][out]
    float* zeros = static_cast<float*>(offset(scratch, float_bytes(shape_.weight_count())));
    std::fill_n(zeros, out_.channels, 0.0F);
    const std::int64_t taps = shape_.kh * shape_.kw;
    if (gradient_) {  // [in][out][kh][kw]
      for (std::int64_t f = 0; f < shape_.filters; ++f)
        transpose(weight + f * shape_.c * taps, shape_.c, taps, plain + f * shape_.c * taps);
    } else {  // [out][in][kh][kw]
      transpose(weight, shape_.filters, shape_.c * taps, plain);
    }
    float* to = static_cast<float*>(packed);
    for (const Part& part : parts_) {
      for (std::size_t i = 0; i < part.inputs.size(); ++i) {
        for (std::int64_t in = 0; in < in_.channels; ++in) {
          std::array<const float*, kMostTaps * kMostTaps> at{};
          for (int row = 0; row < form_.rows.r; ++row)
            for (int column = 0; column < form_.columns.r; ++column) {
              const std::int64_t kh = part.inputs[i].row.taps[static_cast<std::size_t>(row)];
              const std::int64_t kw = part.inputs[i].column.taps[static_cast<std::size_t>(column)];
              at[static_cast<std::size_t>(row * form_.columns.r + column)] =
                  kh < 0 || kw < 0 ? zeros : plain + ((in * shape_.kh + kh) * shape_.kw + kw) * out_.channels;
            }
          winograd_weight(kind_, at.data(), out_.channels,
                          to + (static_cast<std::int64_t>(i) * in_.channels + in) * out_.channels,
                          depth_ * out_.channels);
        }
      }
      to += part_floats();
    }
  }

  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    float* zeros = static_cast<float*>(scratch);
    std::fill_n(zeros, together_ * in_.channels, 0.0F);
    float* biases = static_cast<float*>(offset(scratch, float_bytes(together_ * in_.channels)));
    if (shape_.bias) {
      for (std::int64_t i = 0; i < together_; ++i) std::copy_n(bias, out_.channels, biases + i * out_.channels);
    }
    float* tiles = static_cast<float*>(offset(scratch, tiles_at_));
    float* results = static_cast<float*>(offset(scratch, result_at_));
    const float* part_weight = static_cast<const float*>(weight);
    for (std::size_t i = 0; i < parts_.size(); ++i, part_weight += part_floats()) {
      const Part& part = parts_[i];
      const Tiles numbered(part.output, form_);
      const std::int64_t all = shape_.n * numbered.per_sample();
      for (std::int64_t first = 0; first < all; first += chunk_[i]) {
        const std::int64_t count = std::min(chunk_[i], all - first);
        gather(part, numbered, first, count, static_cast<const float*>(x), zeros, tiles,
               matrix_distance(chunk_[i] * depth_));
        products_[i].execute(count, tiles, part_weight, results, offset(scratch, inner_at_));
        scatter(part, numbered, first, count, results, matrix_distance(chunk_[i] * out_.channels),
                shape_.bias ? biases : nullptr, static_cast<float*>(y));
      }
    }
  }

 private:
  std::int64_t squares() const { return form_.inputs(); }
  std::size_t part_floats() const { return static_cast<std::size_t>(squares() * depth_ * out_.channels); }

  void gather(const Part& part, const Tiles& numbered, std::int64_t first, std::int64_t count, const float* x,
              const float* zeros, float* tiles, std::int64_t distance) const {
    std::array<const float*, kMostTile> pixels{};
    for (std::int64_t tile = 0, some = 0; tile < count; tile += some) {
      some = numbered.together(first + tile, count - tile, together_);
      const Tiles::Place at = numbered.place(first + tile);
      for (std::size_t i = 0; i < part.inputs.size(); ++i) {
        input_pixels(x, in_, part.inputs[i], at, form_, zeros, pixels.data());
        winograd_input(kind_, pixels.data(), some * in_.channels,
                       tiles + tile * depth_ + static_cast<std::int64_t>(i) * in_.channels, distance);
      }
    }
  }

  void scatter(const Part& part, const Tiles& numbered, std::int64_t first, std::int64_t count, const float* results,
               std::int64_t distance, const float* bias, float* y) const {
    std::array<float*, kMostTile> pixels{};
    for (std::int64_t tile = 0, some = 0; tile < count; tile += some) {
      some = numbered.together(first + tile, count - tile, together_);
      output_pixels<float>(y, out_, part.output, numbered.place(first + tile), form_, nullptr, pixels.data());
      winograd_output(kind_, results + tile * out_.channels, distance, some * out_.channels, bias, relu_,
                      pixels.data());
    }
  }

  ConvolutionShape shape_;
  WinogradKind kind_;
  TileForm form_;
  bool gradient_, relu_;
  Plane in_, out_;
  std::vector<Part> parts_;
  std::int64_t depth_ = 0;           // rows of a transformed weight: phases x channels of the input
  std::vector<std::int64_t> chunk_;  // tiles at once, for each part
  std::vector<TileProduct> products_;
  std::int64_t together_ = 1;  // tiles of a row, at most
  std::size_t tiles_at_ = 0, result_at_ = 0, inner_at_ = 0, inner_bytes_ = 0;
};

}  // namespace

bool has_winograd(const ConvolutionShape& shape) {
  const ConvolutionShape s = turned_line(shape);
  return s.groups == 1 && s.dilation_h == 1 && s.dilation_w == 1 && winograd_kind(s).has_value();
}

std::unique_ptr<const ForwardKernel> make_winograd_forward(const ConvolutionShape& shape) {
  const ConvolutionShape s = turned_line(shape);
  return std::make_unique<WinogradForward>(s, winograd_kind(s).value(), false, s.relu);
}

std::unique_ptr<const ForwardKernel> make_winograd_backward_data(const ConvolutionShape& shape, bool relu) {
  const ConvolutionShape s = turned_line(shape);
  return std::make_unique<WinogradForward>(s, winograd_kind(s).value(), true, relu);
}

}  // namespace loom::dnnl
