#include "autoregressive/wavenet_block.h"

#include "loom/math.h"
#include "loom/node.h"
#include "math/gate.h"

namespace loom::nodes {

using dnnl::ChunkedMatmul;
using dnnl::Matmul;
using dnnl::MatmulShape;

void WavenetBlock::declare(Contract& c) {
  c.summary("A layer of WaveNet: dilated causal convolution, gate, residual and skip connection");
  c.source("van den Oord et al. 2016, WaveNet: A Generative Model for Raw Audio, sections 2.3 to 2.5");
  c.input("x", "[N, S, C]", "a sequence");
  c.input("condition", "[N, Q, M]", "local conditioning; Q divides S, and each position applies to S/Q positions of x")
      .optional();
  c.input("global", "[N, G]", "global conditioning: a speaker, an embedding").optional();
  c.input("skip_sum", "[N, S, skip]", "the skips of the previous blocks, added to this one's").optional();
  c.output("y", "[N, S, C]", "x + W_r g + b_r");
  c.output("skip", "[N, S, skip]", "W_s g + b_s [+ skip_sum]");
  c.option("kernel", 2, integer().at_least(2), "positions of the convolution");
  c.option("dilation", 1, integer().at_least(1), "step between them");
  c.option("skip", required, integer().at_least(1), "channels of the skip connection");
  c.parameter("conv_weight", "[D, C, kernel]", kaiming_uniform(), "W, D = 2 C: those of tanh, then those of the gate");
  c.parameter("conv_bias", "[D]", kaiming_uniform("conv_weight"), "b");
  c.parameter("residual_weight", "[C, C, 1]", kaiming_uniform(), "W_r");
  c.parameter("residual_bias", "[C]", kaiming_uniform("residual_weight"), "b_r");
  c.parameter("skip_weight", "[skip, C, 1]", kaiming_uniform(), "W_s");
  c.parameter("skip_bias", "[skip]", kaiming_uniform("skip_weight"), "b_s");
  c.parameter("condition_weight", "[D, M, 1]", kaiming_uniform(), "V").only_with("condition");
  c.parameter("global_weight", "[D, G]", kaiming_uniform(), "U").only_with("global");
  c.causal("S");
  c.reads_window([](const TimeWindowOf& of) -> std::optional<TimeWindow> {
    if (of.input == 0) return TimeWindow{.before = (of.options.integer("kernel") - 1) * of.options.integer("dilation")};
    if (of.input == 1) return TimeWindow{.up = of.to[1] / of.from[1]};
    return of.input == 3 ? std::optional(TimeWindow()) : std::nullopt;
  });
  c.backward_reads({"x", "condition", "global"});
}

void WavenetBlock::infer(ShapeInference& s) {
  s.bind("D", 2 * s.extent("C"));
  if (!s.has_input("condition")) return;
  const std::int64_t positions = s.extent("S"), rows = s.extent("Q");
  if (positions % rows == 0) return;
  s.fail("the condition does not divide the sequence",
         std::to_string(rows) + " positions for " + std::to_string(positions), "a divisor of the sequence's length", 1);
}

WavenetBlock::WavenetBlock(const Options& options)
    : kernel_(options.integer("kernel")), dilation_(options.integer("dilation")), skips_(options.integer("skip")) {}

void WavenetBlock::prepare(const Prepare& p) {
  const Shape& x = p.input(0);
  samples_ = x[0], length_ = x[1], channels_ = x[2];
  condition_rows_ = p.has_input("condition") ? p.input("condition")[1] : 0;
  conditions_ = p.has_input("condition") ? p.input("condition")[2] : 0;
  globals_ = p.has_input("global") ? p.input("global")[1] : 0;
  keeps_ = p.backward;
  bf16_ = p.bf16 && p.backward;
  make_products(p);
  if (p.backward) make_gradients();
  take_memory(p);
}

void WavenetBlock::make_products(const Prepare& p) {
  dnnl::CausalSource source{.channels = channels_, .kernel = kernel_, .runs = {}};
  for (std::int64_t k = 0; k < kernel_; ++k) {
    const std::int64_t back = (kernel_ - 1 - k) * dilation_;
    if (dilation_ > 1 || source.runs.empty()) source.runs.push_back({0, -back, dilation_ > 1 ? 1 : kernel_, k});
  }
  product_ = std::make_unique<CausalProduct>(dnnl::CausalProductShape{.width = length_,
                                                                      .filters = 2 * channels_,
                                                                      .sources = {std::move(source)},
                                                                      .bias = true,
                                                                      .backward = p.backward,
                                                                      .bf16 = bf16_,
                                                                      .samples = p.incremental ? samples_ : 0});
  MatmulShape out{.n = channels_, .k = channels_, .transpose_b = true, .bias = true, .accumulate = true, .bf16 = bf16_};
  if (p.incremental) {
    outs_ = std::make_unique<Matmul>(MatmulShape{.m = samples_, .n = channels_ + skips_, .k = channels_, .bias = true});
  } else {
    residual_ = ChunkedMatmul(length_, product_->chunk(), out, &MatmulShape::m);
    out.n = skips_;
    out.accumulate = p.has_input("skip_sum");
    skip_ = ChunkedMatmul(length_, product_->chunk(), out, &MatmulShape::m);
  }
  // One position of the condition, [N, S, M], or all positions of a sample.
  const bool on_map = condition_rows_ == length_;
  if (conditions_ > 0) {
    condition_ =
        std::make_unique<Matmul>(MatmulShape{.m = p.incremental ? samples_ : condition_rows_,
                                             .n = 2 * channels_,
                                             .k = conditions_,
                                             .transpose_b = true,
                                             .lda = p.incremental && !on_map ? condition_rows_ * conditions_ : 0});
  }
  if (globals_ > 0) {
    global_ = std::make_unique<Matmul>(
        MatmulShape{.m = p.incremental ? samples_ : 1, .n = 2 * channels_, .k = globals_, .transpose_b = true});
  }
}

void WavenetBlock::make_gradients() {
  const std::int64_t c = channels_, chunk = product_->chunk();
  residual_data_ = ChunkedMatmul(length_, chunk, {.n = c, .k = c, .bf16 = bf16_}, &MatmulShape::m);
  skip_data_ = ChunkedMatmul(length_, chunk, {.n = c, .k = skips_, .accumulate = true, .bf16 = bf16_}, &MatmulShape::m);
  residual_weights_ = ChunkedMatmul(
      length_, chunk, {.m = c, .n = c, .transpose_a = true, .accumulate = true, .bf16 = bf16_}, &MatmulShape::k);
  skip_weights_ = ChunkedMatmul(
      length_, chunk, {.m = skips_, .n = c, .transpose_a = true, .accumulate = true, .bf16 = bf16_}, &MatmulShape::k);
  if (conditions_ > 0) {
    condition_data_ = std::make_unique<Matmul>(MatmulShape{.m = condition_rows_, .n = conditions_, .k = 2 * c});
    condition_weights_ = std::make_unique<Matmul>(
        MatmulShape{.m = 2 * c, .n = conditions_, .k = condition_rows_, .transpose_a = true, .accumulate = true});
  }
  if (globals_ > 0) {
    global_data_ = std::make_unique<Matmul>(MatmulShape{.m = 1, .n = globals_, .k = 2 * c});
    global_weights_ = std::make_unique<Matmul>(
        MatmulShape{.m = 2 * c, .n = globals_, .k = 1, .transpose_a = true, .accumulate = true});
  }
}

void WavenetBlock::take_memory(const Prepare& p) {
  packed_ = p.packed<std::byte>(product_->packed_bytes());
  if (p.incremental) {
    outs_weight_ = p.packed<float>(channels_ * (channels_ + skips_));
    outs_bias_ = p.packed<float>(channels_ + skips_);
  }
  std::size_t work = product_->scratch_bytes();
  for (const auto* matmul : {&residual_, &skip_, &residual_data_, &residual_weights_, &skip_data_, &skip_weights_})
    work = std::max(work, matmul->scratch_bytes());
  for (const auto* matmul :
       {&condition_, &condition_data_, &condition_weights_, &global_, &global_data_, &global_weights_, &outs_}) {
    if (*matmul) work = std::max(work, (*matmul)->scratch_bytes());
  }
  work_ = p.scratch<std::byte>(work);
  const std::int64_t rows = p.incremental ? samples_ : product_->chunk();
  gates_ = p.scratch<float>(rows * channels_);
  rows_ = p.scratch<float>(rows * (p.incremental ? std::max(2 * channels_, channels_ + skips_) : 2 * channels_));
  if (p.incremental) {
    if (conditioned()) offsets_ = p.saved<float>(samples_ * 2 * channels_);
    if (globals_ > 0) globals_kept_ = p.saved<float>(samples_ * 2 * channels_);
  } else if (conditioned()) {
    offsets_ = p.scratch<float>(offset_rows() * 2 * channels_);
  }
  if (!p.backward) return;
  parts_ = p.saved<float>(samples_ * length_ * 2 * channels_);
  if (conditioned()) diff_offsets_ = p.scratch<float>(offset_rows() * 2 * channels_ + 2 * channels_);
  weights_ = p.scratch<float>(product_->sum_count());
}

void WavenetBlock::pack(const Pack& p) const {
  const float* weight = p.parameter("conv_weight").data();
  product_->pack(&weight, packed_(p).data());
  if (!outs_) return;
  const float *residual = p.parameter("residual_weight").data(), *skip = p.parameter("skip_weight").data();
  float* packed = outs_weight_(p).data();
  for (std::int64_t c = 0; c < channels_; ++c) {
    for (std::int64_t i = 0; i < channels_; ++i) *packed++ = residual[i * channels_ + c];
    for (std::int64_t i = 0; i < skips_; ++i) *packed++ = skip[i * channels_ + c];
  }
  float* bias = outs_bias_(p).data();
  std::ranges::copy(p.parameter("residual_bias").values(), bias);
  std::ranges::copy(p.parameter("skip_bias").values(), bias + channels_);
}

void WavenetBlock::compute_offsets(const Call& call, std::int64_t n, float* offsets) const {
  void* work = work_(call).data();
  float* global = conditions_ > 0 ? rows_(call).data() : offsets;
  if (conditions_ > 0) {
    condition_->execute(sample_of(call.input("condition"), n), call.parameter("condition_weight").data(), nullptr,
                        offsets, work);
  }
  if (globals_ == 0) return;
  global_->execute(sample_of(call.input("global"), n), call.parameter("global_weight").data(), nullptr, global, work);
  for (std::int64_t row = 0; row < condition_rows_; ++row)
    math::add(offsets + row * 2 * channels_, global, offsets + row * 2 * channels_, 2 * channels_);
}

void WavenetBlock::forward(const Forward& f) const {
  float *rows = rows_(f).data(), *gates = gates_(f).data(), *offsets = offsets_(f).data();
  for (std::int64_t n = 0; n < samples_; ++n) {
    if (conditioned()) compute_offsets(f, n, offsets);
    const float *x = sample_of(f.input(0), n), *skip_sum = sample_of(f.input("skip_sum"), n);
    float *y = gradient_of(f.output(0), n), *skips = gradient_of(f.output(1), n);
    product_->for_each_chunk([&](std::int64_t first, std::int64_t last) {
      float* kept = keeps_ ? parts_(f).data() + (n * length_ + first) * 2 * channels_ : nullptr;
      float* sums = keeps_ ? kept : rows;
      product_->forward(&x, first, last, packed_(f).data(), f.parameter("conv_bias").data(), sums, work_(f).data());
      for_each_offset(first, last, offsets, [&](std::int64_t begin, std::int64_t end, const float* offset) {
        const std::int64_t at = begin - first;
        math::gate(sums + at * 2 * channels_, offset, keeps_ ? kept + at * 2 * channels_ : nullptr,
                   gates + at * channels_, end - begin, channels_);
      });
      finish(f, gates, x + first * channels_, skip_sum == nullptr ? nullptr : skip_sum + first * skips_,
             y + first * channels_, skips + first * skips_, last - first);
    });
  }
}

void WavenetBlock::finish(const Call& call, const float* gates, const float* x, const float* skip_sum, float* y,
                          float* skips, std::int64_t rows) const {
  void* work = work_(call).data();
  std::copy_n(x, rows * channels_, y);
  residual_.execute(rows, gates, call.parameter("residual_weight").data(), call.parameter("residual_bias").data(), y,
                    work);
  if (skip_sum != nullptr) std::copy_n(skip_sum, rows * skips_, skips);
  skip_.execute(rows, gates, call.parameter("skip_weight").data(), call.parameter("skip_bias").data(), skips, work);
}

// Computed as far as the inputs. A condition with a different rate must exist at the start.
Filled WavenetBlock::filled(std::span<const Filled> inputs, int output) const {
  if (inputs[1] != Filled::whole || inputs[2] != Filled::whole) {
    throw Error(ErrorCode::not_supported, "the condition of the block must not depend on the drawn map");
  }
  return Node::filled(inputs, output);
}

void WavenetBlock::advance(const Advance& a) const {
  a.expect_map(1, length_);
  const Advance::Range range = a.range(0);
  if (range.count == 0) return;
  float *rows = rows_(a).data(), *gates = gates_(a).data();
  const float* x = a.input(0).data();
  product_->advance(&x, range.first, 1, packed_(a).data(), a.parameter("conv_bias").data(), rows, work_(a).data());
  if (conditioned()) {
    float* offsets = offsets_(a).data();
    if (range.first % hold() == 0) advance_offsets(a, range.first, offsets);
    math::add(rows, offsets, rows, samples_ * 2 * channels_);
  }
  math::gate(rows, nullptr, nullptr, gates, samples_, channels_);
  finish_position(a, range.first, gates);
}

void WavenetBlock::finish_position(const Advance& a, std::int64_t position, const float* gates) const {
  float* outs = rows_(a).data();
  outs_->execute(gates, outs_weight_(a).data(), outs_bias_(a).data(), outs, work_(a).data());
  const float *x = Advance::at(a.input(0), position),
              *skip_sum = a.input(3).empty() ? nullptr : Advance::at(a.input(3), position);
  float *y = Advance::at(a.output(0), position), *skips = Advance::at(a.output(1), position);
  for (std::int64_t n = 0; n < samples_; ++n, outs += channels_ + skips_) {
    math::add(x + n * channels_, outs, y + n * channels_, channels_);
    if (skip_sum == nullptr)
      std::copy_n(outs + channels_, skips_, skips + n * skips_);
    else
      math::add(skip_sum + n * skips_, outs + channels_, skips + n * skips_, skips_);
  }
}

// The contribution of the condition from this position on, for hold() positions.
void WavenetBlock::advance_offsets(const Advance& a, std::int64_t position, float* offsets) const {
  void* work = work_(a).data();
  float* globals = globals_kept_(a).data();
  if (globals_ > 0 && position == 0) {
    global_->execute(a.input("global").data(), a.parameter("global_weight").data(), nullptr, globals, work);
  }
  if (conditions_ == 0) {
    std::copy_n(globals, samples_ * 2 * channels_, offsets);
    return;
  }
  const TensorView condition = a.input("condition");
  const float* rows = condition_rows_ == length_ ? Advance::at(condition, position)
                                                 : condition.data() + position / hold() * conditions_;
  condition_->execute(rows, a.parameter("condition_weight").data(), nullptr, offsets, work);
  if (globals_ > 0) math::add(offsets, globals, offsets, samples_ * 2 * channels_);
}

double WavenetBlock::forward_flop(const Prepare&) const {
  const double c = static_cast<double>(channels_), outs = static_cast<double>(channels_ + skips_);
  const double offsets = 2 * c * static_cast<double>(condition_rows_ * conditions_ + globals_);
  return static_cast<double>(samples_) * (product_->flop() + 2 * static_cast<double>(length_) * c * outs + 2 * offsets);
}

namespace {
LOOM_NODE(WavenetBlock, "wavenet_block")
}  // namespace

}  // namespace loom::nodes
