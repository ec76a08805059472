// The Householder reflection that carries the first axis of R^m to mu: z = z' - 2 (d . z') / (d . d) d, an orthogonal
// map. d = e1 - mu carries e1, and d = -e1 - mu carries -e1; the one whose pole is farther from mu is taken, so |d|^2
// >= 2 and the gradient by mu stays bounded. (Davidson et al. take e1 always: 0 / 0 at mu = e1.) Where the pole
// changes, at mu_1 = 0, a draw jumps to another of the same distribution, so expectations and their gradients are what
// they were.
#pragma once

#include <cstdint>
#include <span>

namespace sphere {

class Reflection {
 public:
  explicit Reflection(std::span<const float> mu) : mu_(mu), pole_(mu[0] > 0 ? -1 : 1) {
    for (std::size_t i = 0; i < mu.size(); ++i) square_ += d(i) * d(i);
  }

  double pole() const { return pole_; }  // the first coordinate of what is carried to mu: 1 or -1
  double d(std::size_t i) const { return (i == 0 ? pole_ : 0) - static_cast<double>(mu_[i]); }
  // What is to be taken off along d; value(i) is coordinate i of the vector to reflect.
  template <class Value>
  double along(const Value& value) const {
    double sum = 0;
    for (std::size_t i = 0; i < mu_.size(); ++i) sum += d(i) * value(i);
    return 2 * sum / square_;
  }

 private:
  std::span<const float> mu_;
  double pole_, square_ = 0;
};

}  // namespace sphere
