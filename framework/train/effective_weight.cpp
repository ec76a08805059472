#include "train/effective_weight.h"

#include <algorithm>
#include <cmath>

namespace loom {
namespace {

constexpr int kFirstSteps = 15;  // of power iteration, where the vectors have never been computed

// A weight as a matrix whose rows run along one of its axes.
class Matrix {
 public:
  Matrix(const Shape& shape, int axis, std::span<const float> values)
      : values_(values),
        rows_(static_cast<std::size_t>(shape[axis])),
        inner_(static_cast<std::size_t>(shape.count_from(axis + 1))) {}

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return values_.size() / rows_; }
  // visit(row, column, value)
  template <class Visit>
  void each(const Visit& visit) const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::size_t outer = i / (rows_ * inner_);
      visit(i / inner_ % rows_, outer * inner_ + i % inner_, static_cast<double>(values_[i]));
    }
  }

 private:
  std::span<const float> values_;
  std::size_t rows_, inner_;
};

std::vector<double> unit(std::vector<double> x) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  for (double& value : x) value /= std::max(std::sqrt(squares), 1e-12);
  return x;
}

double singular_value(const Matrix& w, const std::vector<float>& left, const std::vector<float>& right) {
  std::vector<double> u(left.begin(), left.end()), v(right.begin(), right.end());
  if (std::ranges::all_of(left, [](float value) { return value == 0; })) {
    v = unit(std::move(v));
    for (int step = 0; step < kFirstSteps; ++step) {
      std::ranges::fill(u, 0.0);
      w.each([&](std::size_t r, std::size_t c, double x) { u[r] += x * v[c]; });
      u = unit(std::move(u));
      std::ranges::fill(v, 0.0);
      w.each([&](std::size_t r, std::size_t c, double x) { v[c] += x * u[r]; });
      v = unit(std::move(v));
    }
  }
  double sigma = 0;
  w.each([&](std::size_t r, std::size_t c, double x) { sigma += u[r] * x * v[c]; });
  return sigma;
}

// The path of a value that the declaration would have, where the node does not have it.
std::string path_without(const GraphNode& node, const std::vector<ParameterDeclaration>& declarations,
                         const std::vector<GraphParameter>& active,
                         const std::function<bool(const ParameterDeclaration&)>& wanted) {
  for (std::size_t k = 0; k < declarations.size(); ++k) {
    if (!wanted(declarations[k])) continue;
    const bool there = std::ranges::find(active, static_cast<int>(k), &GraphParameter::declaration) != active.end();
    return there ? "" : node.path + "." + declarations[k].name;
  }
  return "";
}

}  // namespace

std::vector<std::string> make_effective(const GraphNode& node, const GraphParameter& weight, const StoredValues& stored,
                                        std::span<float> values) {
  const Contract& contract = node.contract();
  const ParameterDeclaration& declared = contract.parameters()[static_cast<std::size_t>(weight.declaration)];
  const auto missing = [&](const auto& declarations, const auto& active, const auto& wanted) {
    return path_without(node, declarations, active, wanted);
  };
  const std::string left = missing(contract.states(), node.states,
                                   [&](const ParameterDeclaration&d) { return d.left_of == declared.name; }),
                    right = missing(contract.states(), node.states,
                                    [&](const ParameterDeclaration&d) { return d.right_of == declared.name; }),
                    norms = missing(contract.parameters(), node.parameters, [&](const ParameterDeclaration&d) {
                      return is_norms(d.initializer) && d.initializer.of == declared.name;
                    });
  const Matrix matrix(weight.shape, std::max(declared.channel_axis, 0), values);
  if (!left.empty() && !right.empty()) {
    const std::vector<float> u = stored(left), v = stored(right);
    if (u.size() == matrix.rows() && v.size() == matrix.columns()) {
      const double sigma = singular_value(matrix, u, v);
      for (float& value : values) value = static_cast<float>(static_cast<double>(value) / sigma);
      return {left, right};
    }
  }
  const std::vector<float> scales = norms.empty() ? std::vector<float>() : stored(norms);
  if (scales.empty() || static_cast<std::int64_t>(scales.size()) != weight.shape[0]) return {};
  const std::size_t each = values.size() / scales.size();
  for (std::size_t r = 0; r < scales.size(); ++r) {
    const std::span<float> row = values.subspan(r * each, each);
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
    for (float& value : row)
      value = static_cast<float>(static_cast<double>(scales[r]) * static_cast<double>(value) / std::sqrt(squares));
  }
  return {norms};
}

}  // namespace loom
