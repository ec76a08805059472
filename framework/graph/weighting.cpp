// The optional inputs `mask` and `weight` of a loss: their declaration, shapes, and product.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "loom/node.h"

namespace loom {
namespace {

// The extents of a row of the port that are those of its values: without the components of a value.
std::span<const std::int64_t> value_axes(const Shape& shape, Weighting::Over over) {
  const auto event = shape.extents().subspan(1);
  return over == Weighting::Over::positions && !event.empty() ? event.first(event.size() - 1) : event;
}

// An input of a call, or of what it is prepared for; an empty view where the node does not have it.
template <class C>
TensorView weighted_input(const C& call, std::string_view port) {
  const int index = call.contract->input_index(port);
  const bool has = index >= 0 && static_cast<std::size_t>(index) < call.input_views.size();
  return has ? call.input_views[static_cast<std::size_t>(index)] : TensorView();
}

// Writes what each value counts: `weights` has one element for every `each` values.
void spread(std::span<const float> weights, std::span<float> out) {
  const std::size_t each = out.size() / weights.size();
  for (std::size_t i = 0; i < weights.size(); ++i) std::fill_n(out.data() + i * each, each, weights[i]);
}

void multiply_by(std::span<const float> weights, std::span<float> out) {
  const std::size_t each = out.size() / weights.size();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (std::size_t k = i * each; k < (i + 1) * each; ++k) out[k] *= weights[i];
  }
}

}  // namespace

void Weighting::declare_mask(Contract& c) {
  c.input("mask", "[N, ...M]",
          "1 where a value is there, 0 where it is not and does not count; for each value, or for its first axes")
      .optional()
      .no_gradient()
      .between(0, 1);
}

void Weighting::declare(Contract& c) {
  declare_mask(c);
  c.input("weight", "[N, ...W]",
          "how much a value counts, at least 0; for each value, or for its first axes; [N]: for each sample")
      .optional()
      .no_gradient()
      .between(0, std::numeric_limits<double>::infinity());
}

void Weighting::infer(ShapeInference& s, std::string_view port, Over over) {
  const auto axes = value_axes(s.input(port), over);
  for (const auto& [name, run] : {std::pair{"mask", "M"}, std::pair{"weight", "W"}}) {
    if (!s.has_input(name)) continue;
    const std::vector<std::int64_t>& extents = s.run_extents(run);
    if (extents.size() <= axes.size() && std::equal(extents.begin(), extents.end(), axes.begin())) continue;
    Shape expected = {kBatch};
    for (const std::int64_t extent : axes) expected.push_back(extent);
    s.fail(fmt::format("the input '{}' has neither the shape of the values of '{}' nor that of their first axes", name,
                       port),
           s.input(name).text(), expected.text() + ", or fewer of its axes from the left", s.input_index(name));
  }
}

void Weighting::prepare(const Prepare& p, std::string_view port, Over over) {
  values_ = 1;
  for (const std::int64_t extent : value_axes(p.input(port), over)) values_ *= static_cast<std::size_t>(extent);
  const Shape mask = weighted_input(p, "mask").shape(), weight = weighted_input(p, "weight").shape();
  const auto narrow = [&](const Shape& shape) {
    return shape.rank() > 0 && static_cast<std::size_t>(shape.count_from(1)) != values_;
  };
  const bool both = mask.rank() > 0 && weight.rank() > 0;
  if (both || narrow(mask) || narrow(weight)) product_ = p.scratch<float>(values_);
}

std::span<const float> Weighting::row(const Call& call, std::int64_t n) const {
  const auto given = [&](std::string_view name) -> std::span<const float> {
    const TensorView view = weighted_input(call, name);
    return view.empty() ? std::span<const float>() : view[n];
  };
  const std::span<const float> mask = given("mask"), weight = given("weight");
  const std::span<float> product = product_(call);
  if (product.empty()) return !mask.empty() ? mask : weight;
  spread(!mask.empty() ? mask : weight, product);
  if (mask.empty() || weight.empty()) return product;
  multiply_by(weight, product);
  return product;
}

}  // namespace loom
