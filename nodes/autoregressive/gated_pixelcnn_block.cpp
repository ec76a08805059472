#include "autoregressive/gated_pixelcnn_block.h"

#include "loom/math.h"
#include "loom/node.h"
#include "math/gate.h"

namespace loom::nodes {

using dnnl::ChunkedMatmul;
using dnnl::Matmul;
using dnnl::MatmulShape;

void GatedPixelcnnBlock::declare(Contract& c) {
  c.summary("A layer of the gated PixelCNN: a vertical and a horizontal stack without a blind spot");
  c.source("van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, figure 2");
  c.input("vertical", "[N, H, W, channels]", "the vertical stack; in the first block: the embedded map");
  c.input("horizontal", "[N, H, W, channels]", "the horizontal stack; in the first block: the same");
  c.input("class", "[N, K]", "the condition of all positions: one-hot, or an embedding").optional();
  c.input("condition", "[N, H, W, M]", "the condition of each position").optional();
  c.output("vertical", "[N, H, W, channels]", "sees the rows up to this one");
  c.output("horizontal", "[N, H, W, channels]", "sees the rows above, and the columns up to this one");
  c.option("channels", required, integer().at_least(1), "channels of each stack");
  c.option("kernel", 5, integer().at_least(3), "extent of the unmasked window, odd");
  c.option("first", false, flag(),
           "the first block: a position does not see itself, and there is no residual connection");
  c.parameter("vertical_weight", "[D, channels, R, kernel]", kaiming_uniform(), "W_v, over the rows seen")
      .overwrites_first();
  c.parameter("vertical_bias", "[D]", kaiming_uniform("vertical_weight"), "of W_v");
  c.parameter("horizontal_weight", "[D, channels, 1, L]", kaiming_uniform(), "W_h, over the columns seen");
  c.parameter("horizontal_bias", "[D]", kaiming_uniform("horizontal_weight"), "of W_h");
  c.parameter("vertical_to_horizontal_weight", "[D, D, 1, 1]", kaiming_uniform(), "W_vh");
  c.parameter("vertical_to_horizontal_bias", "[D]", kaiming_uniform("vertical_to_horizontal_weight"), "of W_vh");
  c.parameter("out_weight", "[channels, channels, 1, 1]", kaiming_uniform(), "W_o");
  c.parameter("out_bias", "[channels]", kaiming_uniform("out_weight"), "of W_o");
  c.parameter("vertical_class_weight", "[D, K]", kaiming_uniform(), "U_v").only_with("class");
  c.parameter("horizontal_class_weight", "[D, K]", kaiming_uniform(), "U_h").only_with("class");
  c.parameter("vertical_condition_weight", "[D, M, 1, 1]", kaiming_uniform(), "V_v").only_with("condition");
  c.parameter("horizontal_condition_weight", "[D, M, 1, 1]", kaiming_uniform(), "V_h").only_with("condition");
  c.causal("H, W");
  c.backward_reads({"vertical", "horizontal", "class", "condition"});
}

void GatedPixelcnnBlock::infer(ShapeInference& s) {
  const std::int64_t kernel = s.options().integer("kernel");
  s.bind("D", 2 * s.options().integer("channels"));
  s.bind("R", kernel / 2 + 1);
  s.bind("L", kernel / 2 + (s.options().flag("first") ? 0 : 1));
  if (kernel % 2 == 0) s.fail("the window has no centre", std::to_string(kernel), "an odd kernel");
}

GatedPixelcnnBlock::GatedPixelcnnBlock(const Options& options)
    : channels_(options.integer("channels")), kernel_(options.integer("kernel")), first_(options.flag("first")) {}

void GatedPixelcnnBlock::prepare(const Prepare& p) {
  const Shape& x = p.input(0);
  samples_ = x[0], height_ = x[1], width_ = x[2];
  classes_ = p.has_input("class") ? p.input("class").back() : 0;
  conditions_ = p.has_input("condition") ? p.input("condition").back() : 0;
  keeps_ = p.backward || p.incremental;
  bf16_ = p.bf16 && p.backward;
  make_products(p);
  if (p.backward) make_gradients();
  take_memory(p);
}

void GatedPixelcnnBlock::make_products(const Prepare& p) {
  const std::int64_t c = channels_, half = kernel_ / 2, columns = half + (first_ ? 0 : 1);
  dnnl::CausalProductShape shape{.height = height_,
                                 .width = width_,
                                 .filters = 2 * c,
                                 .sources = {},
                                 .bias = true,
                                 .backward = p.backward,
                                 .bf16 = bf16_,
                                 .samples = p.incremental ? samples_ : 0};
  vertical_.prepare(p, p.input(0), kernel_);
  shape.sources = {{c, columns, {{0, -half, columns, 0}}}, {2 * c, 1, {{-1, 0, 1, 0}}}};
  if (conditions_ > 0) shape.sources.push_back({conditions_, 1, {{0, 0, 1, 0}}});
  horizontal_ = std::make_unique<CausalProduct>(shape);

  const std::int64_t out_rows = p.incremental ? samples_ : positions();
  out_ = ChunkedMatmul(out_rows, p.incremental ? samples_ : horizontal_->chunk(),
                       {.n = c, .k = c, .transpose_b = true, .bias = true, .accumulate = !first_, .bf16 = bf16_},
                       &MatmulShape::m);
  if (conditions_ > 0) {
    const std::int64_t row_rows = p.incremental ? samples_ * width_ : positions();
    condition_ =
        ChunkedMatmul(row_rows, p.incremental ? row_rows : vertical_.product().chunk(),
                      {.n = 2 * c, .k = conditions_, .transpose_b = true, .accumulate = true}, &MatmulShape::m);
  }
  if (classes_ > 0)
    class_ = std::make_unique<Matmul>(MatmulShape{.m = samples_, .n = 2 * c, .k = classes_, .transpose_b = true});
}

void GatedPixelcnnBlock::make_gradients() {
  const std::int64_t c = channels_, p = positions(), v = vertical_.product().chunk(), h = horizontal_->chunk();
  out_data_ = ChunkedMatmul(p, h, {.n = c, .k = c, .bf16 = bf16_}, &MatmulShape::m);
  out_weights_ =
      ChunkedMatmul(p, h, {.m = c, .n = c, .transpose_a = true, .accumulate = true, .bf16 = bf16_}, &MatmulShape::k);
  if (conditions_ > 0) {
    condition_data_ = ChunkedMatmul(p, v, {.n = conditions_, .k = 2 * c, .accumulate = true}, &MatmulShape::m);
    condition_weights_ =
        ChunkedMatmul(p, v, {.m = 2 * c, .n = conditions_, .transpose_a = true, .accumulate = true}, &MatmulShape::k);
  }
  if (classes_ > 0) {
    class_data_ = std::make_unique<Matmul>(MatmulShape{.m = samples_, .n = classes_, .k = 2 * c, .accumulate = true});
    class_weights_ = std::make_unique<Matmul>(
        MatmulShape{.m = 2 * c, .n = classes_, .k = samples_, .transpose_a = true, .accumulate = true});
  }
}

void GatedPixelcnnBlock::take_memory(const Prepare& p) {
  horizontal_packed_ = p.packed<std::byte>(horizontal_->packed_bytes());
  bias_ = p.packed<float>(2 * channels_);

  std::size_t work = std::max({vertical_.scratch_bytes(), horizontal_->scratch_bytes(), out_.scratch_bytes(),
                               out_data_.scratch_bytes(), out_weights_.scratch_bytes(), condition_.scratch_bytes(),
                               condition_data_.scratch_bytes(), condition_weights_.scratch_bytes()});
  for (const auto* matmul : {&class_, &class_data_, &class_weights_}) {
    if (*matmul) work = std::max(work, (*matmul)->scratch_bytes());
  }
  work_ = p.scratch<std::byte>(work);
  const std::int64_t offsets = classes_ > 0 ? 2 * samples_ * 2 * channels_ : 0;
  const std::int64_t rows =
      p.incremental ? samples_ * width_ : std::max(vertical_.product().chunk(), horizontal_->chunk());
  gates_ = p.scratch<float>(rows * channels_);
  rows_ = p.scratch<float>(rows * 2 * channels_);
  sums_ = keeps_ ? p.saved<float>(samples_ * sums_count()) : p.scratch<float>(sums_count());
  offsets_ = keeps_ ? p.saved<float>(offsets) : p.scratch<float>(offsets);
  if (!p.backward) return;
  parts_ = p.saved<float>(samples_ * sums_count());
  const bool whole = vertical_.transforms_data() || vertical_.transforms_weights();
  diff_sums_ = p.scratch<float>((whole ? samples_ : 1) * sums_count());
  diff_offsets_ = p.scratch<float>(offsets);
  totals_ = p.scratch<float>(2 * channels_);
  vertical_weights_ = p.scratch<float>(vertical_.transforms_weights() ? 0 : vertical_.product().sum_count());
  horizontal_weights_ = p.scratch<float>(horizontal_->sum_count());
}

void GatedPixelcnnBlock::pack(const Pack& p) const {
  vertical_.pack(p, p.parameter("vertical_weight").data(), work_(p).data());
  const float* horizontal[] = {p.parameter("horizontal_weight").data(),
                               p.parameter("vertical_to_horizontal_weight").data(),
                               conditions_ > 0 ? p.parameter("horizontal_condition_weight").data() : nullptr};
  horizontal_->pack(horizontal, horizontal_packed_(p).data());
  math::add(p.parameter("horizontal_bias").data(), p.parameter("vertical_to_horizontal_bias").data(), bias_(p).data(),
            2 * channels_);
}

void GatedPixelcnnBlock::compute_offsets(const Call& call) const {
  if (classes_ == 0) return;
  const float* c = call.input("class").data();
  float *vertical = offsets_(call).data(), *horizontal = vertical + samples_ * 2 * channels_;
  void* work = work_(call).data();
  class_->execute(c, call.parameter("vertical_class_weight").data(), nullptr, vertical, work);
  class_->execute(c, call.parameter("horizontal_class_weight").data(), nullptr, horizontal, work);
}

const float* GatedPixelcnnBlock::conditioned(const Call& call, const float* sums, const float* condition,
                                             std::int64_t rows) const {
  if (conditions_ == 0) return sums;
  float* buffer = rows_(call).data();
  std::copy_n(sums, rows * 2 * channels_, buffer);
  condition_.execute(rows, condition, call.parameter("vertical_condition_weight").data(), nullptr, buffer,
                     work_(call).data());
  return buffer;
}

void GatedPixelcnnBlock::forward(const Forward& f) const {
  compute_offsets(f);
  if (vertical_.transforms_forward()) {
    const float* bias = f.parameter("vertical_bias").data();
    vertical_.forward(f, f.input("vertical").data(), bias, sums(f, 0), work_(f).data());
  }
  for (std::int64_t n = 0; n < samples_; ++n) {
    forward_vertical(f, n);
    forward_horizontal(f, n);
  }
}

void GatedPixelcnnBlock::forward_vertical(const Forward& f, std::int64_t n) const {
  const float* image = sample_of(f.input("vertical"), n);
  const float* condition = sample_of(f.input("condition"), n);
  float* y = gradient_of(f.output("vertical"), n);
  const CausalProduct& product = vertical_.product();
  product.for_each_chunk([&](std::int64_t first, std::int64_t last) {
    float* rows = sums(f, n) + first * 2 * channels_;
    if (!vertical_.transforms_forward())
      product.forward(&image, first, last, vertical_.product_weight(f), f.parameter("vertical_bias").data(), rows,
                      work_(f).data());
    math::gate(conditioned(f, rows, condition + first * conditions_, last - first), offset(f, kVertical, n), nullptr,
               y + first * channels_, last - first, channels_);
  });
}

void GatedPixelcnnBlock::forward_horizontal(const Forward& f, std::int64_t n) const {
  void* work = work_(f).data();
  float* parts = keeps_ ? parts_(f).data() + n * sums_count() : nullptr;
  const float* images[] = {sample_of(f.input("horizontal"), n), sums(f, n), sample_of(f.input("condition"), n)};
  float *rows = rows_(f).data(), *gates = gates_(f).data();
  float* y = gradient_of(f.output("horizontal"), n);
  horizontal_->for_each_chunk([&](std::int64_t first, std::int64_t last) {
    float* kept = parts == nullptr ? nullptr : parts + first * 2 * channels_;
    float* into = kept == nullptr ? rows : kept;
    horizontal_->forward(images, first, last, horizontal_packed_(f).data(), bias_(f).data(), into, work);
    math::gate(into, offset(f, kHorizontal, n), kept, gates, last - first, channels_);
    if (!first_) std::copy(images[0] + first * channels_, images[0] + last * channels_, y + first * channels_);
    out_.execute(last - first, gates, f.parameter("out_weight").data(), f.parameter("out_bias").data(),
                 y + first * channels_, work);
  });
}

// The vertical stack is computed by rows, after a row is drawn; the horizontal stack as far as its input allows.
Filled GatedPixelcnnBlock::filled(std::span<const Filled> inputs, int output) const {
  if (inputs[1] == Filled::rows_before || inputs[2] != Filled::whole || inputs[3] != Filled::whole) {
    throw Error(ErrorCode::not_supported,
                "the horizontal stack cannot lag behind by rows, and its condition "
                "must not depend on the drawn map");
  }
  if (output == 0) return Filled::rows_before;
  return inputs[1] == Filled::before && !first_ ? Filled::before : Filled::through;
}

void GatedPixelcnnBlock::advance(const Advance& a) const {
  a.expect_map(height_, width_);
  if (a.time == 0) compute_offsets(a);
  const Advance::Range rows = a.range(0), pixels = a.range(1);
  if (rows.count > 0) advance_vertical(a, rows);
  if (pixels.count > 0) advance_horizontal(a, pixels.first);
}

void GatedPixelcnnBlock::advance_vertical(const Advance& a, Advance::Range range) const {
  const float* map = a.input("vertical").data();
  float* rows = sums(a, 0) + range.first * samples_ * 2 * channels_;
  vertical_.product().advance(&map, range.first, range.count, vertical_.product_weight(a),
                              a.parameter("vertical_bias").data(), rows, work_(a).data());
  const float* condition = conditions_ == 0 ? nullptr : Advance::at(a.input("condition"), range.first);
  const float* x = conditioned(a, rows, condition, range.count * samples_);
  float* y = Advance::at(a.output("vertical"), range.first);
  if (classes_ == 0) return math::gate(x, nullptr, nullptr, y, range.count * samples_, channels_);
  for (std::int64_t row = 0; row < range.count * samples_; ++row) {
    math::gate(x + row * 2 * channels_, offset(a, kVertical, row % samples_), nullptr, y + row * channels_, 1,
               channels_);
  }
}

void GatedPixelcnnBlock::advance_horizontal(const Advance& a, std::int64_t position) const {
  void* work = work_(a).data();
  float *rows = rows_(a).data(), *gates = gates_(a).data();
  const TensorView x = a.input("horizontal");
  const float* maps[] = {x.data(), sums(a, 0), conditions_ == 0 ? nullptr : a.input("condition").data()};
  horizontal_->advance(maps, position, 1, horizontal_packed_(a).data(), bias_(a).data(), rows, work);
  if (classes_ > 0) {
    math::add(rows, offset(a, kHorizontal, 0), rows, samples_ * 2 * channels_);
  }
  math::gate(rows, nullptr, nullptr, gates, samples_, channels_);
  float* y = Advance::at(a.output("horizontal"), position);
  if (!first_) std::copy_n(Advance::at(x, position), samples_ * channels_, y);
  out_.execute(samples_, gates, a.parameter("out_weight").data(), a.parameter("out_bias").data(), y, work);
}

double GatedPixelcnnBlock::forward_flop(const Prepare& p) const {
  const double pixels = static_cast<double>(p.input(0).count() / channels_), c = static_cast<double>(channels_);
  return static_cast<double>(samples_) * (vertical_.product().flop() + horizontal_->flop()) +
         2 * pixels * c * (c + 2 * static_cast<double>(conditions_));
}

namespace {
LOOM_NODE(GatedPixelcnnBlock, "gated_pixelcnn_block")
}  // namespace

}  // namespace loom::nodes
