// A weight that a layer normalises before it uses it: the option `norm`.
//   spectral: W / sigma, sigma = u^T W v, of W as a matrix. u and v approach its first singular vectors by one step of power
//             iteration in each training step: Miyato et al. 2018, Spectral Normalization for GANs, algorithm 1.
//   weight:   scale_i w_i / |w_i| for each w_i along the first axis: Salimans and Kingma 2016, Weight Normalization, equation 2.
// As in PyTorch, a gradient takes u and v for constants. Of a transposed convolution the rows of the matrix are the filters.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "loom/node.h"

namespace loom::nodes {

class WeightNorm {
 public:
  // Patterns of the extents: of the weight's first axis, of the rows and the columns of the matrix.
  struct Extents {
    std::string first, rows, columns;
    bool scales = false;  // the first axis counts the outputs
  };

  static void declare(Contract& c, const Extents& extents) {
    c.option(
         "norm", "none", text({"none", "spectral", "weight"}),
         "how the weight is normalised: by its largest singular value, or along its first axis, with a learned scale")
        .of_weights();
    ParameterDeclaration& scale =
        c.parameter("scale", extents.first, {Initializer::Kind::equal, 0, 2, "weight"}, "the norm of each w_i");
    scale.only_if(is_weight);
    if (extents.scales) scale.scales_outputs();
    c.state("u", extents.rows, zeros(), "left singular vector").only_if(is_spectral).left_of = "weight";
    c.state("v", extents.columns, normal_values(0, 1), "right singular vector").only_if(is_spectral).right_of =
        "weight";
    c.tally("passes", "[1]", "calls of the step").only_if(is_spectral);
  }

  static bool is_plain(const Options& o) { return !is_spectral(o) && !is_weight(o); }

  explicit WeightNorm(const Options& o) : spectral_(is_spectral(o)), weight_(is_weight(o)) {}

  bool none() const { return !spectral_ && !weight_; }

  // `axis`: that of the rows of the matrix, 0 or 1.
  void prepare(const Prepare& p, int axis) {
    if (none()) return;
    const Shape& shape = p.parameter("weight");
    outer_ = axis == 0 ? 1 : shape[0];
    rows_ = spectral_ ? shape[axis] : shape[0];
    inner_ = shape.count() / (outer_ * rows_);
    if (weight_) outer_ = 1, inner_ = shape.count() / rows_;
    training_ = p.training;
    normalised_ = p.packed<float>(shape.count());
    if (spectral_) vectors_ = p.packed<float>(rows_ + columns() + 1);
    if (p.backward) gradient_ = p.scratch<float>(shape.count());
  }

  // The weight to use, from the parameters: computed in pack(), read afterwards.
  const float* pack(const Pack& p) const {
    const float* w = p.parameter("weight").data();
    if (none()) return w;
    float* y = normalised_(p).data();
    if (weight_) {
      const float* scale = p.parameter("scale").data();
      for (std::int64_t r = 0; r < rows_; ++r) multiply(w, scale_of(w, r, scale), r, y);
      return y;
    }
    float *u = vectors_(p).data(), *v = u + rows_, *sigma = v + columns();
    std::ranges::copy(p.state("u").values(), u);
    std::ranges::copy(p.state("v").values(), v);
    iterate(w, u, v, training_);
    *sigma = static_cast<float>(sigma_of(w, u, v));
    for (std::int64_t i = 0; i < normalised_.count(); ++i) y[i] = w[i] / *sigma;
    return y;
  }
  template <class AnyCall>
  const float* of(const AnyCall& call) const {
    return none() ? call.parameter("weight").data() : normalised_(call).data();
  }

  bool wants_gradient(const Backward& b) const {
    return b.wants_parameter_diff("weight") || (weight_ && b.wants_parameter_diff("scale"));
  }
  // Where the gradient by the used weight is added up; add() takes it on to the parameters.
  float* gradient(const Backward& b) const {
    if (none()) return b.diff_parameter("weight").data();
    std::ranges::fill(gradient_(b), 0.0F);
    return gradient_(b).data();
  }
  void add(const Backward& b) const {
    if (none()) return;
    const float *w = b.parameter("weight").data(), *g = gradient_(b).data();
    float* diff = b.wants_parameter_diff("weight") ? b.diff_parameter("weight").data() : nullptr;
    weight_ ? add_rows(b, w, g, diff) : add_spectral(b, w, g, diff);
  }

  void end_step(const EndStep& e) const {
    if (!spectral_) return;
    iterate(e.parameter("weight").data(), e.state("u").data(), e.state("v").data(), true);
  }

 private:
  static bool is_spectral(const Options& o) { return o.text("norm") == "spectral"; }
  static bool is_weight(const Options& o) { return o.text("norm") == "weight"; }
  static constexpr int kFirstSteps = 15;      // of power iteration from a random vector, as in PyTorch
  static constexpr double kSmallest = 1e-12;  // norm of a vector

  std::int64_t columns() const { return outer_ * inner_; }
  // body(place in the weight, column) for each element of a row.
  template <class Body>
  void for_row(std::int64_t row, const Body& body) const {
    for (std::int64_t o = 0; o < outer_; ++o)
      for (std::int64_t i = 0; i < inner_; ++i) body((o * rows_ + row) * inner_ + i, o * inner_ + i);
  }
  double dot(const float* a, const float* b, std::int64_t row) const {
    double sum = 0;
    for_row(row,
            [&](std::int64_t at, std::int64_t) { sum += static_cast<double>(a[at]) * static_cast<double>(b[at]); });
    return sum;
  }
  void multiply(const float* w, double factor, std::int64_t row, float* y) const {
    for_row(row,
            [&](std::int64_t at, std::int64_t) { y[at] = static_cast<float>(factor * static_cast<double>(w[at])); });
  }
  double scale_of(const float* w, std::int64_t row, const float* scale) const {
    return static_cast<double>(scale[row]) / std::sqrt(dot(w, w, row));
  }

  static void normalise(float* x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    const double factor = 1 / std::max(std::sqrt(sum), kSmallest);
    for (std::int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(factor * static_cast<double>(x[i]));
  }
  void left(const float* w, const float* v, float* u) const {  // u = W v
    for (std::int64_t r = 0; r < rows_; ++r) {
      double sum = 0;
      for_row(r,
              [&](std::int64_t at, std::int64_t c) { sum += static_cast<double>(w[at]) * static_cast<double>(v[c]); });
      u[r] = static_cast<float>(sum);
    }
  }
  void right(const float* w, const float* u, float* v) const {  // v = W^T u
    std::fill_n(v, columns(), 0.0F);
    for (std::int64_t r = 0; r < rows_; ++r) for_row(r, [&](std::int64_t at, std::int64_t c) { v[c] += w[at] * u[r]; });
  }
  // A vector u that is 0 has never been computed.
  void iterate(const float* w, float* u, float* v, bool step) const {
    const bool fresh = std::all_of(u, u + rows_, [](float value) { return value == 0; });
    if (fresh) normalise(v, columns());
    for (int i = (fresh ? kFirstSteps : 0) + (step ? 1 : 0); i > 0; --i) {
      left(w, v, u);
      normalise(u, rows_);
      right(w, u, v);
      normalise(v, columns());
    }
  }
  double sigma_of(const float* w, const float* u, const float* v) const {
    double sum = 0;
    for (std::int64_t r = 0; r < rows_; ++r)
      for_row(r, [&](std::int64_t at, std::int64_t c) {
        sum += static_cast<double>(u[r]) * static_cast<double>(w[at]) * static_cast<double>(v[c]);
      });
    return sum;
  }

  // G / sigma - <G, W> / sigma^2 u v^T
  void add_spectral(const Backward& b, const float* w, const float* g, float* diff) const {
    if (diff == nullptr) return;
    const float *u = vectors_(b).data(), *v = u + rows_;
    const double sigma = static_cast<double>(v[columns()]);
    double inner = 0;
    for (std::int64_t r = 0; r < rows_; ++r) inner += dot(g, w, r);
    for (std::int64_t r = 0; r < rows_; ++r) {
      const double factor = inner / (sigma * sigma) * static_cast<double>(u[r]);
      for_row(r, [&](std::int64_t at, std::int64_t c) {
        diff[at] += static_cast<float>(static_cast<double>(g[at]) / sigma - factor * static_cast<double>(v[c]));
      });
    }
  }
  // scale / |w| (G - <G, w> w / |w|^2), and <G, w> / |w|
  void add_rows(const Backward& b, const float* w, const float* g, float* diff) const {
    const bool wants_scale = b.wants_parameter_diff("scale");
    for (std::int64_t r = 0; r < rows_; ++r) {
      const double square = dot(w, w, r), inner = dot(g, w, r), factor = scale_of(w, r, b.parameter("scale").data());
      if (wants_scale) b.diff_parameter("scale").data()[r] += static_cast<float>(inner / std::sqrt(square));
      if (diff == nullptr) continue;
      for_row(r, [&](std::int64_t at, std::int64_t) {
        diff[at] +=
            static_cast<float>(factor * (static_cast<double>(g[at]) - inner / square * static_cast<double>(w[at])));
      });
    }
  }

  bool spectral_, weight_, training_ = false;
  std::int64_t outer_ = 1, rows_ = 0, inner_ = 0;  // the weight [outer, rows, inner]; a column is (outer, inner)
  PackedSlot<float> normalised_, vectors_;         // u, v and sigma
  Slot<float> gradient_;
};

}  // namespace loom::nodes
