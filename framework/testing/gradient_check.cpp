// Numerical gradients of a node. With random weights r, L = sum r y over all differentiable outputs, in double;
// backward from r gives dL/dx, which central differences of L must confirm, element by element:
//   D(h) = (L(x + h) - L(x - h)) / 2h,   dL/dx = (4 D(h/2) - D(h)) / 3 + O(h^4)
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "testing/node_call.h"

namespace loom::testing {
namespace {

constexpr double kStep = 0x1.0p-6;

struct Loss {
  double value = 0;
  double noise = 0;  // what rounding of the outputs can change it by
};

Loss loss_of(NodeCalls& calls, const std::vector<Tensor>& weights) {
  const CallResult result = calls.run({});
  Loss loss;
  double squares = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (weights[k].shape().rank() == 0) continue;
    for (std::size_t i = 0; i < weights[k].values().size(); ++i) {
      const double term =
          static_cast<double>(weights[k].values()[i]) * static_cast<double>(result.outputs[k].values()[i]);
      loss.value += term;
      squares += term * term;
    }
  }
  loss.noise = 4 * 0x1.0p-23 * std::sqrt(squares);
  return loss;
}

struct Slope {
  double value = 0, noise = 0;
  bool kink = false;  // differences at two steps disagree: forward is not smooth here
};

class Differences {
 public:
  Differences(NodeCalls& calls, const std::vector<Tensor>& weights) : calls_(calls), weights_(weights) {}

  // At `element`, a value that forward reads; a kink is what changes the slope by more than `allowed`.
  Slope at(float& element, double allowed) {
    Slope slope;
    for (double h : {kStep, kStep / 8, kStep / 64}) {
      const auto [wide, wide_noise] = central(element, h);
      const auto [near, near_noise] = central(element, h / 2);
      slope.value = (4 * near - wide) / 3;
      slope.noise = 2 * near_noise + wide_noise;
      slope.kink = std::abs(near - wide) > allowed + slope.noise;
      if (!slope.kink) break;
    }
    return slope;
  }

 private:
  std::pair<double, double> central(float& element, double h) {
    const float middle = element;
    element = static_cast<float>(static_cast<double>(middle) + h);
    const double above = static_cast<double>(element);
    const Loss up = loss_of(calls_, weights_);
    element = static_cast<float>(static_cast<double>(middle) - h);
    const double below = static_cast<double>(element);
    const Loss down = loss_of(calls_, weights_);
    element = middle;
    return {(up.value - down.value) / (above - below), (up.noise + down.noise) / (above - below)};
  }

  NodeCalls& calls_;
  const std::vector<Tensor>& weights_;
};

double largest(const Tensor& tensor) {
  double most = 0;
  for (float value : tensor.values()) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

// Some elements of a tensor, the same each time, the first and the last among them.
std::vector<std::size_t> chosen(std::size_t count, int elements) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < count; ++i) indices.push_back(permuted_index(i, count, 99));
  if (count > static_cast<std::size_t>(elements)) {
    indices.resize(static_cast<std::size_t>(elements));
    indices.insert(indices.end(), {0, count - 1});
  }
  return indices;
}

void check_tensor(Report& report, const std::string& what, Differences& differences, Tensor& values,
                  const Tensor& analytic, double tolerance, int elements, Deviation& largest_error) {
  ++report.checks;
  const double scale = largest(analytic);
  const std::vector<std::size_t> indices = chosen(values.values().size(), elements);
  std::size_t kinks = 0;
  for (std::size_t i : indices) {
    const Slope slope = differences.at(values.values()[i], 0.5 * tolerance * scale);
    const double got = static_cast<double>(analytic.values()[i]);
    if (slope.kink) {
      ++kinks;
      continue;
    }
    const double size = std::max(scale, std::abs(slope.value)), off = std::abs(got - slope.value);
    if (size > 0) largest_error.raise(off / size, fmt::format("{}, element {} of {}", what, i, values.shape().text()));
    if (off <= tolerance * size + slope.noise) continue;
    report.failures.push_back(
        fmt::format("gradient of {}, element {} of {}: backward says {}, differences of forward say {}", what, i,
                    values.shape().text(), got, slope.value));
    return;
  }
  if (2 * kinks > indices.size()) {
    report.failures.push_back(
        fmt::format("gradient of {}: forward is not smooth at {} of {} elements", what, kinks, indices.size()));
  }
}

}  // namespace

Report compare_with_differences(NodeSetup& setup, double tolerance, int elements, Deviation* largest) {
  Report report;
  Deviation unused;
  Deviation& worst = largest != nullptr ? *largest : unused;
  std::vector<Tensor> weights = random_gradients(setup);
  const Contract& contract = setup.contract();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (contract.outputs()[k].is_straight_through) weights[k] = Tensor();
  }
  const CallResult analytic = NodeCalls(setup, 1, true).run(weights);
  report.failures = analytic.broken_rules;
  NodeCalls forward_only(setup, 1, false);
  Differences differences(forward_only, weights);
  for (std::size_t i = 0; i < setup.inputs.size(); ++i) {
    if (!setup.differentiable(i)) continue;
    check_tensor(report, fmt::format("input '{}'", contract.input_name(static_cast<int>(i))), differences,
                 setup.inputs[i], analytic.diff_inputs[i], tolerance, elements, worst);
  }
  for (std::size_t j = 0; j < setup.parameters.size(); ++j) {
    if (setup.parameters[j].shape().rank() == 0) continue;
    check_tensor(report, fmt::format("parameter '{}'", contract.parameters()[j].name), differences, setup.parameters[j],
                 analytic.diff_parameters[j], tolerance, elements, worst);
  }
  return report;
}

}  // namespace loom::testing
