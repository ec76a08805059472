#include "run/parameter_store.h"

#include <algorithm>
#include <cmath>

#include "loom/random.h"

namespace loom {
namespace {

// fan_in as in PyTorch: the product of all extents except the first.
double fan_in_of(const GraphNode& node, const std::string& name, const Shape& own) {
  for (const GraphParameter& parameter : node.parameters) {
    const auto& declared = node.contract().parameters()[static_cast<std::size_t>(parameter.declaration)];
    if (declared.name == name) return static_cast<double>(parameter.shape.count_from(1));
  }
  return static_cast<double>(own.count_from(1));
}

void initialize(const GraphNode& node, const GraphParameter& parameter, const Initializer& rule, std::uint64_t seed,
                std::span<float> values) {
  const RandomStream stream(seed, stream_of(parameter.path), 0);
  double low = rule.a;
  double high = rule.b;
  switch (rule.kind) {
    case Initializer::Kind::equal: {
      for (const ParameterDeclaration& declared : node.contract().states()) {
        if (declared.name != rule.of) continue;
        GraphParameter other = parameter;
        other.path = parameter.path.substr(0, parameter.path.rfind('.') + 1) + rule.of;
        initialize(node, other, declared.initializer, seed, values);
      }
      return;
    }
    case Initializer::Kind::uniform_rows:
      high = rule.a / static_cast<double>(std::max<std::int64_t>(1, parameter.shape[0]));
      low = -high;
      break;
    case Initializer::Kind::constant: std::fill(values.begin(), values.end(), static_cast<float>(rule.a)); return;
    case Initializer::Kind::normal:
      stream.normal(0, values);
      for (float& value : values) value = static_cast<float>(rule.a + rule.b * value);
      return;
    case Initializer::Kind::uniform_fan_in:
      high = rule.a / std::sqrt(std::max(1.0, fan_in_of(node, rule.of, parameter.shape)));
      low = -high;
      break;
    case Initializer::Kind::uniform: break;
  }
  stream.uniform(0, values);
  for (float& value : values) value = static_cast<float>(low + (high - low) * value);
}

// The norm of each row, along the first axis.
void fill_norms(const Tensor& rows, std::span<float> norms) {
  const auto count = static_cast<std::size_t>(rows.shape().count_from(1));
  for (std::size_t r = 0; r < norms.size(); ++r) {
    double sum = 0;
    for (const float value : rows.values().subspan(r * count, count))
      sum += static_cast<double>(value) * static_cast<double>(value);
    norms[r] = static_cast<float>(std::sqrt(sum));
  }
}

}  // namespace

ParameterStore::ParameterStore(const Graph& graph, std::uint64_t seed)
    : ParameterStore(graph, std::optional<std::uint64_t>(seed)) {}

ParameterStore::ParameterStore(const Graph& graph, std::optional<std::uint64_t> seed) {
  const auto add = [&](const GraphNode& node, const GraphParameter& parameter, const ParameterDeclaration& declared,
                       bool state) {
    if (!node.owns(parameter)) return;
    index_.emplace(parameter.path, static_cast<int>(items_.size()));
    Parameter item;
    item.path = parameter.path;
    item.shape = parameter.shape;
    item.is_state = state;
    item.set_by_node = declared.set_by_node;
    item.frozen = node.frozen;
    if (is_norms(declared.initializer))  // of a parameter declared before it, which has its values
      item.norms_of = find(parameter.path.substr(0, parameter.path.rfind('.') + 1) + declared.initializer.of);
    if (seed) {
      item.value = Tensor(DType::f32, parameter.shape);
      const Initializer& rule = declared.initializer;
      if (item.norms_of >= 0)
        renew_norms(item);
      else
        initialize(node, parameter, rule, *seed, item.value.values());
      if (parameter.initial) {
        const RandomStream stream(*seed, stream_of(parameter.path), 0);
        parameter.initial->fill(parameter.shape, stream, item.value.values());
      }
    }
    items_.push_back(std::move(item));
  };
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& p : node.parameters)
      add(node, p, node.contract().parameters()[static_cast<std::size_t>(p.declaration)], false);
    for (const GraphParameter& p : node.states)
      add(node, p, node.contract().states()[static_cast<std::size_t>(p.declaration)], true);
  }
  for (const GraphNode& node : graph.nodes()) {  // shared weights are trained if any of their nodes is trained
    for (const GraphParameter& p : node.parameters) {
      if (!node.frozen) items_[static_cast<std::size_t>(index_.at(p.path))].frozen = false;
    }
  }
  for (const GraphNode& node : graph.nodes()) {
    for (const auto* values : {&node.parameters, &node.states}) {
      for (const GraphParameter& p : *values) follow(p);
    }
  }
  if (seed) start_averages();
}

void ParameterStore::follow(const GraphParameter& parameter) {
  if (parameter.follows.empty()) return;
  Parameter& item = items_[static_cast<std::size_t>(index_.at(parameter.path))];
  item.follows = index_.at(parameter.follows);
  item.decay = parameter.decay;
  item.frozen = true;
}

void ParameterStore::start_averages() {
  for (Parameter& item : items_) {
    int at = item.follows;
    while (at >= 0 && items_[static_cast<std::size_t>(at)].follows >= 0)
      at = items_[static_cast<std::size_t>(at)].follows;
    if (at >= 0) std::ranges::copy(items_[static_cast<std::size_t>(at)].value.values(), item.value.values().begin());
  }
}

int ParameterStore::find(const std::string& path) const {
  const auto it = index_.find(path);
  return it == index_.end() ? -1 : it->second;
}

std::int64_t ParameterStore::trainable_count() const {
  std::int64_t count = 0;
  for (const Parameter& item : items_) {
    if (!item.is_state && !item.frozen) count += item.shape.count();
  }
  return count;
}

void ParameterStore::renew_norms(Parameter& item) { fill_norms(at(item.norms_of).value, item.value.values()); }

}  // namespace loom
