// The gradient of a Winograd convolution by its weight:  G^T [sum over the tiles of (B^T d B) (A dy A^T)] G.
#include <algorithm>
#include <array>

#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/tile.h"
#include "dnnl/vector_loops.h"
#include "dnnl/winograd_chunks.h"

namespace loom::dnnl {

using namespace detail;

namespace {

// Taps that are turned together: those of enough channels for whole cache lines, and few enough for a cache.
constexpr std::int64_t kTapFloats = 16 * 1024, kMostChannels = 16;
// Of the transformed sum. Beyond it the phases of a stride are summed one after another: a quarter of the memory with a stride of
// 2, and up to a tenth faster, although the gradients of the outputs are transformed for each. Below it, up to a fifth slower.
constexpr std::int64_t kMostSumFloats = 4 << 20, kLeastChannelsOfPhase = 32;

// Column f of `taps` [count][filters] to the `count` floats at sum + f * next. Eight filters at once, so that a cache line of
// taps is read in one place, and the lines that are written lie in fewer rows than a set of the cache has ways.
template <bool overwrites>
void add_columns(const float* taps, std::int64_t count, std::int64_t filters, float* sum, std::int64_t next) {
  constexpr std::int64_t kTogether = 8;
  const std::int64_t even_filters = filters / 4 * 4, even_count = count / 4 * 4;
  const auto one = [&](std::int64_t f, std::int64_t t) {
    float& to = sum[f * next + t];
    to = overwrites ? taps[t * filters + f] : to + taps[t * filters + f];
  };
  for (std::int64_t first = 0; first < even_filters; first += kTogether) {
    const std::int64_t last = std::min(first + kTogether, even_filters);
    for (std::int64_t t = 0; t < even_count; t += 4) {
      for (std::int64_t f = first; f < last; f += 4) {
        const float* block = taps + t * filters + f;
        Four a = load_four(block), b = load_four(block + filters), c = load_four(block + 2 * filters),
             d = load_four(block + 3 * filters);
        transpose_fours(a, b, c, d);
        float* to = sum + f * next + t;
        for (const Four& four : {a, b, c, d}) {
          give_four<overwrites>(four, to);
          to += next;
        }
      }
    }
    for (std::int64_t f = first; f < last; ++f)
      for (std::int64_t t = even_count; t < count; ++t) one(f, t);
  }
  for (std::int64_t f = even_filters; f < filters; ++f)
    for (std::int64_t t = 0; t < count; ++t) one(f, t);
}

// The sum over the tiles is kept transformed, [a x a][phase, c][filters], of some phases at a time, and transformed back once.
// The chunk is the one of all phases together, so that the bits do not depend on how many are summed at a time.
class WinogradBackwardWeights final : public BackwardWeightsKernel {
 public:
  WinogradBackwardWeights(const ConvolutionShape& s, WinogradKind kind)
      : shape_(s),
        kind_(kind),
        form_(form_of(kind)),
        in_{s.h, s.w, s.c},
        out_{s.out_h(), s.out_w(), s.filters},
        inputs_(pairs(forward_phases(rows_of(s), form_.rows.r), forward_phases(columns_of(s), form_.columns.r))),
        tiles_(inputs_.front(), form_),
        phases_(static_cast<std::int64_t>(inputs_.size())),
        phases_together_(phases_at_once()),
        depth_(phases_together_ * s.c),
        together_(most_together(s, phases_, std::max(s.c, s.filters))),
        channels_together_(
            std::clamp<std::int64_t>(kTapFloats / (s.kh * s.kw * s.filters), 1, std::min(s.c, kMostChannels))),
        chunk_(chunk_tiles(squares() * (phases_ * s.c + s.filters), s.n * tiles_.per_sample())),
        first_(product(false)),
        next_(product(true)) {
    x_at_ = float_bytes(together_ * std::max(s.c, s.filters));
    y_at_ = x_at_ + float_bytes(squares() * matrix_distance(chunk_ * depth_));
    sum_at_ = y_at_ + float_bytes(squares() * matrix_distance(chunk_ * s.filters));
    taps_at_ = sum_at_ + float_bytes(squares() * matrix_distance(depth_ * s.filters));
    inner_at_ = taps_at_ + float_bytes((channels_of_taps() * s.kh * s.kw + 1) * s.filters);
  }
  std::size_t scratch_bytes() const override {
    return inner_at_ + std::max(first_.scratch_bytes(), next_.scratch_bytes());
  }
  std::string implementation() const override { return "winograd " + first_.implementation(); }

  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    compute<false>(x, diff_y, diff_weight, diff_bias, scratch);
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t, float* diff_bias,
                 void* scratch) const override {
    compute<true>(x, diff_y, diff_weight, diff_bias, scratch);
  }

 private:
  template <bool overwrites>
  void compute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const {
    float* zeros = static_cast<float*>(scratch);
    std::fill_n(zeros, together_ * std::max(shape_.c, shape_.filters), 0.0F);
    float* inputs = static_cast<float*>(offset(scratch, x_at_));
    float* gradients = static_cast<float*>(offset(scratch, y_at_));
    float* sum = static_cast<float*>(offset(scratch, sum_at_));
    float* taps = static_cast<float*>(offset(scratch, taps_at_));
    const std::int64_t all = shape_.n * tiles_.per_sample();
    for (std::int64_t phase = 0; phase < phases_; phase += phases_together_) {
      for (std::int64_t first = 0; first < all; first += chunk_) {
        const std::int64_t count = std::min(chunk_, all - first);
        gather(phase, first, count, static_cast<const float*>(x), static_cast<const float*>(diff_y), zeros, inputs,
               gradients);
        (first == 0 ? first_ : next_).execute(count, inputs, gradients, sum, offset(scratch, inner_at_));
      }
      if (!are_all_at_once()) find_taps(phase, sum, 0, shape_.c, taps);
    }
    add_taps<overwrites>(sum, taps, diff_weight);
    if (shape_.bias && diff_bias != nullptr)
      add_column_sums(static_cast<const float*>(diff_y), shape_.n * out_.rows * out_.columns, shape_.filters,
                      diff_bias);
  }

  std::int64_t squares() const { return form_.inputs(); }
  std::int64_t phases_at_once() const {
    const bool is_large = squares() * phases_ * shape_.c * shape_.filters > kMostSumFloats;
    return is_large && shape_.c >= kLeastChannelsOfPhase ? 1 : phases_;
  }
  bool are_all_at_once() const { return phases_together_ == phases_; }
  // Whose taps are kept.
  std::int64_t channels_of_taps() const { return are_all_at_once() ? channels_together_ : shape_.c; }

  void gather(std::int64_t phase, std::int64_t first, std::int64_t count, const float* x, const float* diff_y,
              const float* zeros, float* inputs, float* gradients) const {
    std::array<const float*, kMostTile> pixels{};
    for (std::int64_t tile = 0, some = 0; tile < count; tile += some) {
      some = tiles_.together(first + tile, count - tile, together_);
      const Tiles::Place at = tiles_.place(first + tile);
      for (std::int64_t i = 0; i < phases_together_; ++i) {
        input_pixels(x, in_, inputs_[static_cast<std::size_t>(phase + i)], at, form_, zeros, pixels.data());
        winograd_input(kind_, pixels.data(), some * shape_.c, inputs + tile * depth_ + i * shape_.c,
                       matrix_distance(chunk_ * depth_));
      }
      output_pixels<const float>(diff_y, out_, inputs_.front(), at, form_, zeros, pixels.data());
      winograd_output_gradient(kind_, pixels.data(), some * shape_.filters, gradients + tile * shape_.filters,
                               matrix_distance(chunk_ * shape_.filters));
    }
  }

  TileProduct product(bool accumulate) const {
    return {{.m = depth_, .n = shape_.filters, .transpose_a = true, .accumulate = accumulate},
            &MatmulShape::k,
            chunk_,
            shape_.n * tiles_.per_sample(),
            squares(),
            {matrix_distance(chunk_ * depth_), matrix_distance(chunk_ * shape_.filters),
             matrix_distance(depth_ * shape_.filters)}};
  }

  // The taps of some channels at a time, [c][kh][kw][filters]: the phases together have each tap once. In the gradient the
  // taps of these channels follow each other, for each filter.
  template <bool overwrites>
  void add_taps(const float* sum, float* taps, float* diff_weight) const {
    const std::int64_t filters = shape_.filters, count = shape_.kh * shape_.kw;
    for (std::int64_t first = 0; first < shape_.c; first += channels_together_) {
      const std::int64_t last = std::min(first + channels_together_, shape_.c);
      if (are_all_at_once()) find_taps(0, sum, first, last, taps);
      const float* found = are_all_at_once() ? taps : taps + first * count * filters;
      add_columns<overwrites>(found, (last - first) * count, filters, diff_weight + first * count, shape_.c * count);
    }
  }

  // Of the channels from first to last and the phases from `phase` on whose sum this is.
  void find_taps(std::int64_t phase, const float* sum, std::int64_t first, std::int64_t last, float* taps) const {
    const std::int64_t floats = shape_.kh * shape_.kw * shape_.filters;
    for (std::int64_t c = first; c < last; ++c)
      for (std::int64_t i = 0; i < phases_together_; ++i)
        taps_of(inputs_[static_cast<std::size_t>(phase + i)], sum + (i * shape_.c + c) * shape_.filters,
                taps + (c - first) * floats, taps + channels_of_taps() * floats);
  }

  // Of one channel and one phase, into [kh][kw][filters]; `spare`: for taps that the phase does not have.
  void taps_of(const Phase2d& phase, const float* sum, float* taps, float* spare) const {
    const std::int64_t filters = shape_.filters;
    std::array<float*, kMostTaps * kMostTaps> at{};
    for (int row = 0; row < form_.rows.r; ++row)
      for (int column = 0; column < form_.columns.r; ++column) {
        const std::int64_t kh = phase.row.taps[static_cast<std::size_t>(row)];
        const std::int64_t kw = phase.column.taps[static_cast<std::size_t>(column)];
        at[static_cast<std::size_t>(row * form_.columns.r + column)] =
            kh < 0 || kw < 0 ? spare : taps + (kh * shape_.kw + kw) * filters;
      }
    winograd_weight_gradient(kind_, sum, matrix_distance(depth_ * filters), filters, at.data());
  }

  ConvolutionShape shape_;
  WinogradKind kind_;
  TileForm form_;
  Plane in_, out_;
  std::vector<Phase2d> inputs_;
  Tiles tiles_;
  std::int64_t phases_, phases_together_, depth_, together_, channels_together_, chunk_;
  TileProduct first_, next_;  // of the first chunk, and those that are added to it
  std::size_t x_at_ = 0, y_at_ = 0, sum_at_ = 0, taps_at_ = 0, inner_at_ = 0;
};

}  // namespace

std::unique_ptr<const BackwardWeightsKernel> make_winograd_backward_weights(const ConvolutionShape& shape) {
  const ConvolutionShape s = turned_line(shape);
  return std::make_unique<WinogradBackwardWeights>(s, winograd_kind(s).value());
}

}  // namespace loom::dnnl
