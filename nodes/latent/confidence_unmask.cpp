// One step of decoding masked codes in parallel: of the codes that are drawn for the masked positions, the most confident ones
// stay, and the others are masked again.
//   confidence = ln softmax(logits)[drawn] + choice_temperature (1 - progress) g,  g ~ Gumbel(0, 1)
//   masked after the step = min(masked before - 1, floor(unknown f(progress))),  f(p) = cos(pi / 2 p), 1 - p or 1 - p^2
//   unknown: the positions that were not given before the first step;  progress 1: none is masked
// A position that is not masked keeps its code. Of equally confident positions the first stays.
//
// Chang et al. 2022, MaskGIT: Masked Generative Image Transformer, sections 3.2 and 3.3
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "nn/code_range.h"

namespace {

class ConfidenceUnmask final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A step of MaskGIT: keeps the most confident of drawn codes and masks the others again");
    c.source("Chang et al. 2022, MaskGIT: Masked Generative Image Transformer, section 3.2");
    c.input("logits", "[N, ...E, K]", "unnormalised log-probabilities").no_gradient();
    c.input("drawn", "[N, ...E]", "codes that are drawn from them")
        .dtype(loom::DType::i32)
        .no_gradient()
        .codes_below("K");
    c.input("codes", "[N, ...E]", "codes before the step; K where masked")
        .dtype(loom::DType::i32)
        .no_gradient()
        .between(0, kMost);
    c.input("progress", "[N, ...P]", "the part of the steps that is done after this one, one number from 0 to 1")
        .no_gradient()
        .between(0, 1);
    c.input("given", "[N, ...E]", "not 0 where a code was known before the first step; default: nowhere")
        .optional()
        .no_gradient();
    c.output("next", "[N, ...E]", "codes after the step; K where masked").dtype(loom::DType::i32).no_gradient();
    c.option("choice_temperature", 4.5, loom::at_least(0),
             "how random the choice of positions is at first; 0: not at all");
    c.option("schedule", "cosine", loom::text({"cosine", "linear", "square"}),
             "the part that stays masked: cos(pi / 2 progress), 1 - progress, 1 - progress^2");
    c.stochastic();
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    if (const loom::Shape& progress = s.input(3); progress.event().count() != 1)
      s.fail("progress is not one number", progress.text(), "[N] or [N, 1]", 3);
  }
  explicit ConfidenceUnmask(const loom::Options& o)
      : temperature_(o.number("choice_temperature")), schedule_(o.text("schedule")) {}

  void prepare(const loom::Prepare& p) override {
    classes_ = p.input(0).back();
    positions_ = p.output(0).count_from(1);
    noise_ = p.scratch<float>(positions_);
    confidence_ = p.scratch<double>(positions_);
    places_ = p.scratch<std::int32_t>(positions_);
  }

  void forward(const loom::Forward& f) const override {
    loom::nodes::checked_codes(f, 1, classes_);
    loom::nodes::checked_codes(f, 2, classes_ + 1);
    std::copy_n(f.input("codes").data<std::int32_t>(), f.rows * positions_, f.output(0).data<std::int32_t>());
    for (std::int64_t n = 0; n < f.rows; ++n) {
      for (const std::string_view port : {"logits", "progress", "given"})
        if (f.has_input(port) && std::ranges::any_of(f.input(port)[n], [](float v) { return std::isnan(v); }))
          f.fail_not_finite(port, n);
      unmask(f, n);
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  static constexpr double kMost = 0x7FFFFFFF;

  void unmask(const loom::Forward& f, std::int64_t n) const {
    const double progress = checked_progress(f, n);
    std::int32_t* next = f.output(0).data<std::int32_t>() + n * positions_;
    const std::int32_t* drawn = f.input("drawn").data<std::int32_t>() + n * positions_;
    const std::span<std::int32_t> places = masked(next, places_(f));
    if (places.empty()) return;
    const std::size_t kept = places.size() - left(f, n, progress, places.size());
    if (kept < places.size()) rank(f, n, progress, places, kept);
    for (const std::int32_t place : places.first(kept)) next[place] = drawn[place];
  }

  double checked_progress(const loom::Forward& f, std::int64_t n) const {
    const float progress = f.input("progress").data()[n];
    if (progress >= 0 && progress <= 1) return static_cast<double>(progress);
    throw loom::Error(loom::ErrorCode::out_of_range,
                      fmt::format("the progress of sample {} is {}", f.first_row + n, progress),
                      "a part of the steps is from 0 to 1: `time` of iterate with solver: replace");
  }

  std::span<std::int32_t> masked(const std::int32_t* codes, std::span<std::int32_t> places) const {
    std::size_t count = 0;
    for (std::int64_t i = 0; i < positions_; ++i)
      if (codes[i] == classes_) places[count++] = static_cast<std::int32_t>(i);
    return places.first(count);
  }

  // How many of `now` masked positions stay masked.
  std::size_t left(const loom::Forward& f, std::int64_t n, double progress, std::size_t now) const {
    if (progress >= 1) return 0;
    std::int64_t unknown = positions_;
    if (f.has_input("given")) unknown -= std::ranges::count_if(f.input("given")[n], [](float g) { return g != 0; });
    const double part = schedule_ == "cosine"   ? std::cos(std::numbers::pi / 2 * progress)
                        : schedule_ == "linear" ? 1 - progress
                                                : 1 - progress * progress;
    return std::min(now - 1, static_cast<std::size_t>(std::floor(static_cast<double>(unknown) * part)));
  }

  // The `kept` most confident places come first.
  void rank(const loom::Forward& f, std::int64_t n, double progress, std::span<std::int32_t> places,
            std::size_t kept) const {
    const float* logits = f.input("logits").data() + n * positions_ * classes_;
    const std::int32_t* drawn = f.input("drawn").data<std::int32_t>() + n * positions_;
    const std::span<float> noise = noise_(f);
    const std::span<double> confidence = confidence_(f);
    const double spread = temperature_ * (1 - progress);
    if (temperature_ > 0) f.uniform(n, noise);
    for (const std::int32_t place : places) {
      const auto i = static_cast<std::size_t>(place);
      const float* row = logits + place * classes_;
      double value = static_cast<double>(row[drawn[i]]) - loom::math::log_sum_exp(row, classes_);
      if (std::isnan(value)) f.fail_not_finite("logits", n);
      if (spread > 0) {  // a multiple of 2^-24: half a step keeps it inside (0, 1)
        const double u = static_cast<double>(noise[i]) * (1 - 0x1p-24) + 0x1p-25;
        value -= spread * std::log(-std::log(u));
      }
      confidence[i] = value;
    }
    const auto before = [&](std::int32_t a, std::int32_t b) {
      const double x = confidence[static_cast<std::size_t>(a)], y = confidence[static_cast<std::size_t>(b)];
      return x != y ? x > y : a < b;
    };
    std::nth_element(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(kept), places.end(), before);
  }

  double temperature_;
  std::string schedule_;
  std::int64_t classes_ = 0, positions_ = 0;
  loom::Slot<float> noise_;          // one per position
  loom::Slot<double> confidence_;    // the same
  loom::Slot<std::int32_t> places_;  // masked positions
};
LOOM_NODE(ConfidenceUnmask, "confidence_unmask")

}  // namespace
