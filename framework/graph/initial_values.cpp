#include "graph/initial_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/check_options.h"
#include "graph/graph.h"

namespace loom {
namespace {

double fan_in(const Shape& shape) { return static_cast<double>(std::max<std::int64_t>(1, shape.count_from(1))); }
double fan_out(const Shape& shape) {
  if (shape.rank() < 2) return static_cast<double>(std::max<std::int64_t>(1, shape.count()));
  return static_cast<double>(std::max<std::int64_t>(1, shape[0] * shape.count_from(2)));
}

void fill_normal(const InitialCall& call, double mean, double deviation) {
  call.stream.normal(0, call.values);
  for (float& value : call.values) value = static_cast<float>(mean + deviation * value);
}

void fill_uniform(const InitialCall& call, double low, double high) {
  call.stream.uniform(0, call.values);
  for (float& value : call.values) value = static_cast<float>(low + (high - low) * value);
}

void declare_gain(Contract& c) { c.option("gain", 1.0, positive(), "factor of the values"); }

void kaiming(const InitialCall& call) {
  const bool in = call.options.text("fan") == "in";
  const double deviation = call.options.number("gain") / std::sqrt(in ? fan_in(call.shape) : fan_out(call.shape));
  if (call.options.text("values") == "normal")
    fill_normal(call, 0, deviation);
  else
    fill_uniform(call, -std::sqrt(3.0) * deviation, std::sqrt(3.0) * deviation);
}

void xavier(const InitialCall& call) {
  const double deviation = call.options.number("gain") * std::sqrt(2 / (fan_in(call.shape) + fan_out(call.shape)));
  if (call.options.text("values") == "normal")
    fill_normal(call, 0, deviation);
  else
    fill_uniform(call, -std::sqrt(3.0) * deviation, std::sqrt(3.0) * deviation);
}

// Rows of a matrix [rows, columns], rows <= columns, made orthonormal one after the other (Gram-Schmidt, twice, which is
// enough in double).
void orthonormalize(std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  const auto row = [&](std::size_t i) { return std::span(matrix).subspan(i * columns, columns); };
  const auto dot = [](std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
    return sum;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    const std::span<double> own = row(i);
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < i; ++j) {
        const double along = dot(own, row(j));
        for (std::size_t k = 0; k < columns; ++k) own[k] -= along * row(j)[k];
      }
    }
    const double length = std::sqrt(dot(own, own));
    for (double& value : own) value /= std::max(length, 1e-30);
  }
}

// Saxe et al. 2014: the smaller of the two sides is orthonormal.
void orthogonal(const InitialCall& call) {
  call.stream.normal(0, call.values);
  const auto first = static_cast<std::size_t>(call.shape[0]), rest = call.values.size() / first;
  const std::size_t rows = std::min(first, rest), columns = std::max(first, rest);
  const bool turned = first > rest;
  std::vector<double> matrix(call.values.size());
  const auto place = [&](std::size_t i, std::size_t k) { return turned ? k * rest + i : i * columns + k; };
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns; ++k) matrix[i * columns + k] = call.values[place(i, k)];
  orthonormalize(matrix, rows, columns);
  const double gain = call.options.number("gain");
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns; ++k)
      call.values[place(i, k)] = static_cast<float>(gain * matrix[i * columns + k]);
}

InitialRule rule(std::string name, const char* summary, const std::function<void(Contract&)>& declare,
                 void (*fill)(const InitialCall&)) {
  InitialRule one{std::move(name), {}, fill};
  one.contract.summary(summary);
  declare(one.contract);
  one.contract.option("scale", 1.0, number(), "factor of all values");
  return one;
}

void no_options(Contract&) {}

void declare_fan(Contract& c) {
  declare_gain(c);
  c.option("values", "normal", text({"normal", "uniform"}), "their distribution");
}

std::vector<InitialRule> make_rules() {
  std::vector<InitialRule> rules;
  rules.push_back(rule("default", "As the node declares them, times `scale`", no_options, [](const InitialCall&) {}));
  rules.push_back(rule("zeros", "0", no_options, [](const InitialCall& c) { std::ranges::fill(c.values, 0.0F); }));
  rules.push_back(rule(
      "constant", "One value; short: a number", [](Contract& c) { c.option("value", required, number(), "the value"); },
      [](const InitialCall& c) { std::ranges::fill(c.values, static_cast<float>(c.options.number("value"))); }));
  rules.push_back(rule(
      "normal", "N(mean, std^2)",
      [](Contract& c) {
        c.option("mean", 0.0, number(), "mean");
        c.option("std", 1.0, at_least(0), "standard deviation");
      },
      [](const InitialCall& c) { fill_normal(c, c.options.number("mean"), c.options.number("std")); }));
  rules.push_back(rule(
      "uniform", "U(low, high)",
      [](Contract& c) {
        c.option("low", -1.0, number(), "least value");
        c.option("high", 1.0, number(), "greatest value");
        c.rule({"low", "high"}, "the interval is empty", "low <= high",
               [](const Options& o) { return o.number("low") <= o.number("high"); });
      },
      [](const InitialCall& c) { fill_uniform(c, c.options.number("low"), c.options.number("high")); }));
  rules.push_back(rule("orthogonal", "Orthonormal rows, or columns where these are fewer (Saxe et al. 2014)",
                       declare_gain, orthogonal));
  rules.push_back(rule(
      "kaiming", "Mean 0, standard deviation gain / sqrt(fan); gain sqrt(2) for a ReLU (He et al. 2015)",
      [](Contract& c) {
        declare_fan(c);
        c.option("fan", "in", text({"in", "out"}), "values that an output reads, or that an input feeds");
      },
      kaiming));
  rules.push_back(rule("xavier",
                       "Mean 0, standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010)",
                       declare_fan, xavier));
  rules.push_back(
      rule("data",
           "As the node declares them, then scaled, and the bias shifted, by the first batch: the output has "
           "mean 0 and standard deviation `scale` in each channel (Salimans and Kingma 2016)",
           no_options, [](const InitialCall&) {}));
  rules.back().from_data = true;
  return rules;
}

class Choosing {
 public:
  Choosing(GraphNode& node, const NodeEntry& entry, Diagnostics& diagnostics)
      : node_(node), entry_(entry), diagnostics_(diagnostics) {}

  void run() {
    for (const auto& [name, rule] : entry_.init) {
      GraphParameter* parameter = find(name, rule);
      if (parameter == nullptr) continue;
      const InitialRule* found = find_rule(rule);
      if (found == nullptr) continue;
      const std::size_t findings = diagnostics_.size();
      const Options options = check_options(found->contract, rule.options, rule.where,
                                            fmt::format("init.{}: {}", name, rule.type), diagnostics_);
      if (diagnostics_.size() > findings || !fits(*found, *parameter, rule)) continue;
      parameter->initial = std::make_shared<const InitialValues>(InitialValues{found, options});
      check_norm(name, *parameter, rule);
    }
  }

 private:
  GraphParameter* find(const std::string& name, const TypedEntry& rule) {
    std::vector<std::string> names;
    for (GraphParameter& parameter : node_.parameters) {
      names.push_back(node_.contract().parameters()[static_cast<std::size_t>(parameter.declaration)].name);
      if (names.back() != name) continue;
      if (node_.owns(parameter) && parameter.follows.empty()) return &parameter;
      diagnostics_
          .add(ErrorCode::bad_weight_sharing, rule.where,
               fmt::format("'{}' does not initialise '{}', which is that of another node", node_.path, name))
          .expected = "init at the node that owns the weights";
      return nullptr;
    }
    Diagnostic& finding = diagnostics_.add(
        ErrorCode::unknown_option, rule.where,
        fmt::format("[{}] '{}' has no parameter '{}' to initialise", node_.type->name, node_.path, name));
    for (const std::string& one : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + one;
    if (names.empty()) finding.expected = "no init";
    finding.suggestion = nearest_name(name, names);
    return nullptr;
  }

  const InitialRule* find_rule(const TypedEntry& rule) {
    std::vector<std::string> names;
    for (const InitialRule& one : initial_rules()) {
      if (one.name == rule.type) return &one;
      names.push_back(one.name);
    }
    if (!rule.type.empty())
      diagnostics_.add_unknown_word(rule.type_where, fmt::format("there is no rule of initial values '{}'", rule.type),
                                    rule.type, names);
    return nullptr;
  }

  // Those that its options leave it.
  std::string scaling_parameters() const {
    std::string names;
    for (const GraphParameter& parameter : node_.parameters) {
      const auto& declared = node_.contract().parameters()[static_cast<std::size_t>(parameter.declaration)];
      if (declared.scales(node_.options)) names += (names.empty() ? "" : ", ") + declared.name;
    }
    return names.empty() ? "none" : names;
  }

  bool fits(const InitialRule& rule, const GraphParameter& parameter, const TypedEntry& entry) {
    const auto declared = static_cast<std::size_t>(parameter.declaration);
    if (rule.from_data && !node_.contract().parameters()[declared].scales(node_.options)) {
      Diagnostic& finding = diagnostics_.add(
          ErrorCode::not_supported, entry.where,
          fmt::format("'{}' does not scale the outputs of its node, channel by channel", parameter.path));
      finding.got = rule.name;
      finding.expected = fmt::format("a parameter that does; of '{}': {}", node_.path, scaling_parameters());
      return false;
    }
    if (rule.name != "orthogonal" || parameter.shape.rank() >= 2) return true;
    Diagnostic& finding = diagnostics_.add(ErrorCode::shape_mismatch, entry.where,
                                           fmt::format("'{}' has no rows to be orthogonal", parameter.path));
    finding.got = parameter.shape.text();
    finding.expected = "a parameter of two axes at least";
    return false;
  }

  // A weight that the node divides by a norm must have one.
  void check_norm(const std::string& name, const GraphParameter& parameter, const TypedEntry& entry) {
    if (!normalises(node_, name)) return;
    std::vector<float> one = {1};
    parameter.initial->fill({1, 1}, RandomStream(1, 0, 0), one);
    if (one.front() != 0) return;
    Diagnostic& finding = diagnostics_.add(
        ErrorCode::out_of_range, entry.where,
        fmt::format("'{}' starts as zeros, but its node normalises it, and zeros have no direction", parameter.path));
    finding.got = entry.type;
    finding.expected = "a rule whose values are not all 0";
    finding.hint = "without norm the weight may be 0; with norm: weight, init: {scale: zeros} makes the output 0";
  }

  GraphNode& node_;
  const NodeEntry& entry_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool normalises(const GraphNode& node, const std::string& parameter) {
  const auto& [parameters, states] = std::pair(node.contract().parameters(), node.contract().states());
  const auto by_norms = [&](const GraphParameter& one) {
    const Initializer& rule = parameters[static_cast<std::size_t>(one.declaration)].initializer;
    return is_norms(rule) && rule.of == parameter;
  };
  const auto by_vector = [&](const GraphParameter& one) {
    return states[static_cast<std::size_t>(one.declaration)].left_of == parameter;
  };
  return std::ranges::any_of(node.parameters, by_norms) || std::ranges::any_of(node.states, by_vector);
}

const std::vector<InitialRule>& initial_rules() {
  static const std::vector<InitialRule> rules = make_rules();
  return rules;
}

void InitialValues::fill(const Shape& shape, const RandomStream& stream, std::span<float> values) const {
  rule->fill({options, shape, stream, values});
  const auto scale = static_cast<float>(options.number("scale"));
  if (scale == 1.0F) return;
  for (float& value : values) value *= scale;
}

void choose_initial_values(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                           Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].type && !nodes[i].outputs.empty()) Choosing(nodes[i], *entries[i], diagnostics).run();
  }
}

}  // namespace loom
