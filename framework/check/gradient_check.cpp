// Numerical gradients of a node. With random weights r, L = sum r y over all differentiable outputs, in double;
// backward from r gives dL/dx, which central differences of L must confirm, element by element:
//   D(h) = (L(x + h) - L(x - h)) / 2h,   dL/dx = (4 D(h/2) - D(h)) / 3 + O(h^4)
// At kinks of forward, differences can differ from the slope. With a kink beside x, D(h) and D(h/2) disagree; a kink at
// x itself (a ReLU of exactly 0) leaves the jump 2 J(h/2) - J(h) + O(h^3), J(h) being the slope above x less that
// below. Many small kinks look like a curve unless the step is small: a gradient is right if it is confirmed at any
// step.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "check/node_call.h"
#include "core/clock.h"
#include "loom/random.h"

namespace loom::check {
namespace {

struct Loss {
  double value = 0;
  double noise = 0;  // the largest change by rounding
};
constexpr double kCancelled = 0.125;  // an output near 0 may be a difference of numbers near 1, with their rounding

Loss loss_of(NodeCalls& calls, const std::vector<Tensor>& weights) {
  const CallResult result = calls.run({});
  Loss loss;
  double squares = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (!there(weights[k])) continue;
    const auto factors = weights[k].values(), outputs = result.outputs[k].values();
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const double weight = static_cast<double>(factors[i]), output = static_cast<double>(outputs[i]);
      loss.value += weight * output;
      squares += weight * weight * (output * output + kCancelled * kCancelled);
    }
  }
  loss.noise = 4 * 0x1.0p-23 * std::sqrt(squares);
  return loss;
}

constexpr double kStepSizes[] = {0x1.0p-6, 0x1.0p-9, 0x1.0p-12};

struct Slope {
  double value = 0, noise = 0;
  double jump = 0;  // between the slopes above and below
};

class Differences {
 public:
  Differences(NodeCalls& calls, const std::vector<Tensor>& weights)
      : calls_(calls), weights_(weights), middle_(loss_of(calls, weights)) {}

  // At `element`, a value that forward reads.
  Slope at(float& element, double h) {
    const float middle = element;
    const auto place = [&](double offset) {
      element = static_cast<float>(static_cast<double>(middle) + offset);
      const Loss loss = loss_of(calls_, weights_);
      const double moved = static_cast<double>(element) - static_cast<double>(middle);
      element = middle;
      return std::pair{loss, moved};
    };
    const auto [up, above] = place(h);
    const auto [down, below] = place(-h);
    const double slope_above = (up.value - middle_.value) / above, slope_below = (down.value - middle_.value) / below;
    // Rounding makes the two distances unequal: the slope of the parabola through all three points, in the middle.
    return {(above * slope_below - below * slope_above) / (above - below), (up.noise + down.noise) / (above - below),
            slope_above - slope_below};
  }

 private:
  NodeCalls& calls_;
  const std::vector<Tensor>& weights_;
  Loss middle_;
};

struct Judgement {
  enum class Verdict { confirmed, denied, kink } verdict = Verdict::kink;
  double slope = 0;  // from differences, unless there are kinks everywhere
};

// Whether differences confirm `gradient`, a value of a tensor whose largest value is `scale`.
Judgement judge(Differences& differences, float& element, double gradient, double scale, double tolerance) {
  using Verdict = Judgement::Verdict;
  Judgement result;
  for (const double h : kStepSizes) {
    const Slope wide = differences.at(element, h), near = differences.at(element, h / 2);
    const double value = (4 * near.value - wide.value) / 3, noise = 2 * near.noise + wide.noise;
    const double allowed = tolerance * std::max(scale, std::abs(value));
    const bool again = result.verdict == Verdict::denied;
    if (again && noise > allowed) break;  // the step is too small to show anything
    const double bend = std::abs(near.value - wide.value), jump = std::abs(2 * near.jump - wide.jump) / 2;
    if (bend > 0.5 * allowed + noise || jump > 0.5 * allowed + 2 * noise) continue;
    const bool confirmed = std::abs(gradient - value) <= allowed + (again ? 0 : noise);
    if (confirmed || !again) result = {confirmed ? Verdict::confirmed : Verdict::denied, value};
    if (confirmed) break;
  }
  return result;
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (float value : tensor.values()) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

// Some elements of a tensor, always the same for equal gradients: the first, the last, and in turn one with a large
// gradient (errors are relative to the largest) and an arbitrary one.
std::vector<std::size_t> chosen(const Tensor& gradients, int elements) {
  const auto values = gradients.values();
  std::vector<std::size_t> any(values.size());
  for (std::size_t i = 0; i < any.size(); ++i) any[i] = permuted_index(i, any.size(), 99);
  const auto half = static_cast<std::size_t>((elements + 1) / 2);
  if (any.size() <= 2 * half) return any;
  std::vector<std::size_t> largest(half);
  std::iota(largest.begin(), largest.end(), std::size_t{0});
  std::vector<std::size_t> all(values.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto size = [&](std::size_t i) { return std::isnan(values[i]) ? HUGE_VALF : std::abs(values[i]); };
  std::ranges::partial_sort_copy(all, largest, [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < half; ++i) indices.insert(indices.end(), {largest[i], any[i]});
  indices.insert(indices.end(), {0, values.size() - 1});
  return indices;
}

class GradientCheck {
 public:
  GradientCheck(Report& report, Differences& differences, const DifferenceCheck& settings, Deviation& worst)
      : report_(report), differences_(differences), settings_(settings), worst_(worst) {}

  // Checks elements of one tensor until all are done or, after a few, until `deadline` (seconds of the whole check).
  void check(const std::string& what, Tensor& values, const Tensor& analytic, double deadline) {
    ++report_.checks;
    const double scale = largest(analytic);
    std::size_t kinks = 0, seen = 0;
    for (std::size_t i : chosen(analytic, settings_.elements)) {
      if (seen >= kFewest && clock_.seconds() > deadline) break;
      ++seen;
      const double got = static_cast<double>(analytic.values()[i]);
      const auto [verdict, slope] = judge(differences_, values.values()[i], got, scale, settings_.tolerance);
      if (verdict == Judgement::Verdict::kink) {
        ++kinks;
        continue;
      }
      const auto place = [&] { return fmt::format("{}, element {} of {}", what, i, values.shape().text()); };
      const double size = std::max(scale, std::abs(slope)), off = std::abs(got - slope);
      if (size > 0) worst_.raise(off / size, place());
      if (verdict == Judgement::Verdict::confirmed) continue;
      report_.failures.push_back(
          fmt::format("gradient of {}: backward says {}, differences of forward say {}", place(), got, slope));
      return;
    }
    if (2 * kinks > seen) {
      report_.failures.push_back(
          fmt::format("gradient of {}: forward is not smooth at {} of {} elements", what, kinks, seen));
    }
  }

 private:
  static constexpr std::size_t kFewest = 2;  // one with a large gradient and an arbitrary one

  Report& report_;
  Differences& differences_;
  const DifferenceCheck& settings_;
  Deviation& worst_;
  Stopwatch clock_;
};

}  // namespace

Report compare_with_differences(NodeSetup& setup, const DifferenceCheck& settings, Deviation* largest) {
  Report report;
  Deviation unused;
  std::vector<Tensor> weights = random_gradients(setup);
  const Contract& contract = setup.contract();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (contract.outputs()[k].is_straight_through) weights[k] = Tensor();
  }
  const CallResult analytic = NodeCalls(setup, 1, true).run(weights);
  report.failures = analytic.broken_rules;
  NodeCalls forward_only(setup, 1, false);
  Differences differences(forward_only, weights);
  GradientCheck gradients(report, differences, settings, largest != nullptr ? *largest : unused);
  const double share = settings.seconds / static_cast<double>(setup.inputs.size() + setup.parameters.size());
  for (std::size_t i = 0; i < setup.inputs.size(); ++i) {
    if (!setup.differentiable(i)) continue;
    gradients.check(fmt::format("input '{}'", contract.input_name(static_cast<int>(i))), setup.inputs[i],
                    analytic.diff_inputs[i], share * static_cast<double>(i + 1));
  }
  for (std::size_t j = 0; j < setup.parameters.size(); ++j) {
    if (!there(setup.parameters[j])) continue;
    gradients.check(fmt::format("parameter '{}'", contract.parameters()[j].name), setup.parameters[j],
                    analytic.diff_parameters[j], share * static_cast<double>(setup.inputs.size() + j + 1));
  }
  return report;
}

}  // namespace loom::check
