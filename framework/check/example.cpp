#include "check/example.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "check/node_call.h"
#include "loom/error.h"
#include "loom/random.h"

namespace loom::check {
namespace {

// The choices of one attempt, where the declaration leaves them open.
struct Attempt {
  std::int64_t size = 3;      // value of integer options
  int list = 0;               // the form of a list option
  bool free_options = false;  // whether to set optional options without a default
  int run = 2;                // number of axes of a "...E"
  std::int64_t rows = 1;      // rows per sample
};

std::vector<Attempt> attempts() {
  std::vector<Attempt> all;
  for (const bool free_options : {false, true})
    for (const std::int64_t rows : {1, 3, 2})
      for (const int run : {2, 1, 3, 0})
        for (const std::int64_t size : {3, 2, 1, 4})
          for (int list = 0; list < 5; ++list) all.push_back({size, list, free_options, run, rows});
  return all;
}

// Extents of letters and runs: from given shapes, otherwise small even numbers, different for each letter.
class Extents {
 public:
  Extents(const Attempt& attempt, const Options& options) : attempt_(attempt), options_(options) {}

  void take(const PortDeclaration& port, const Shape& shape) {
    const std::vector<PatternItem> items = parse_pattern(port.pattern);
    const auto is_run = [](const PatternItem& item) { return item.kind == PatternItem::Kind::run; };
    const auto run = std::ranges::find_if(items, is_run);
    const int before = static_cast<int>(run - items.begin());
    const int after = run == items.end() ? 0 : static_cast<int>(items.end() - run) - 1;
    if (shape.rank() < before + after) return;
    const int middle = run == items.end() ? 0 : shape.rank() - before - after;
    for (int k = 0; k < before; ++k) bind(items[static_cast<std::size_t>(k)], shape[k]);
    for (int k = 0; k < after; ++k) bind(items[static_cast<std::size_t>(before + 1 + k)], shape[before + middle + k]);
    if (run == items.end() || run->name.empty()) return;
    std::vector<std::int64_t>& extents = runs_[run->name];
    for (int k = 0; k < middle; ++k) extents.push_back(shape[before + k]);
  }

  Shape shape_of(const PortDeclaration& port, std::int64_t samples) const {
    Shape shape;
    for (const PatternItem& item : parse_pattern(port.pattern)) {
      if (item.kind == PatternItem::Kind::run) {
        for (const std::int64_t extent : run_extents(item.name)) shape.push_back(extent);
      } else {
        shape.push_back(extent_of(item, samples));
      }
    }
    return shape;
  }

 private:
  void bind(const PatternItem& item, std::int64_t extent) {
    if (item.kind == PatternItem::Kind::letter && item.name != "N") letters_.emplace(item.name, extent);
  }
  std::int64_t extent_of(const PatternItem& item, std::int64_t samples) const {
    if (item.kind == PatternItem::Kind::literal) return item.number;
    if (item.kind == PatternItem::Kind::option)
      return options_.has(item.name) && !options_.is_text(item.name) ? options_.integer(item.name) : 4;
    if (item.name == "N") return samples * attempt_.rows;
    const auto it = letters_.find(item.name);
    return it != letters_.end() ? it->second : 4 + 2 * (item.name[0] % 3);
  }
  std::vector<std::int64_t> run_extents(const std::string& name) const {
    const auto it = runs_.find(name);
    if (it != runs_.end()) return it->second;
    static const std::vector<std::int64_t> kExtents = {6, 5, 4};
    return {kExtents.begin(), kExtents.begin() + attempt_.run};
  }

  const Attempt& attempt_;
  const Options& options_;
  std::map<std::string, std::int64_t> letters_;
  std::map<std::string, std::vector<std::int64_t>> runs_;
};

// Standard normal values, or values between the declared limits and away from them.
Tensor floats(const PortDeclaration& port, const std::string& name, const Shape& shape) {
  const std::uint32_t seed = stream_of(name);
  const bool low = std::isfinite(port.minimum), high = std::isfinite(port.maximum);
  if (!low && !high) return random_tensor(shape, seed);
  Tensor tensor(DType::f32, shape);
  RandomStream(seed, stream_of("example"), 0).uniform(0, tensor.values());
  for (float& value : tensor.values()) {
    const double u = 0.1 + 0.8 * static_cast<double>(value);
    value = static_cast<float>(low && high ? port.minimum + u * (port.maximum - port.minimum)
                               : low       ? port.minimum + 2 * u
                                           : port.maximum - 2 * u);
  }
  return tensor;
}

template <class T>
void fill_codes(std::span<T> values, const PortDeclaration& port, std::int64_t classes) {
  const auto low = std::isfinite(port.minimum) ? static_cast<std::int64_t>(port.minimum) : 0;
  std::int64_t count = classes;
  if (std::isfinite(port.maximum)) count = std::min(count, static_cast<std::int64_t>(port.maximum) - low + 1);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(low + (static_cast<std::int64_t>(i) * 7 + 3) % std::max<std::int64_t>(count, 1));
}

Tensor example_input(const PortDeclaration& port, const std::string& name, const Shape& shape, std::int64_t classes) {
  if (port.type == DType::f32) return floats(port, name, shape);
  Tensor tensor(port.type, shape);
  if (port.type == DType::i32)
    fill_codes(tensor.values<std::int32_t>(), port, classes);
  else
    fill_codes(tensor.values<std::uint8_t>(), port, classes);
  return tensor;
}

// Values of all options that have one: given, default, or derived.
Options example_options(const Contract& contract, const TypeCheck& settings, const Attempt& attempt) {
  Options options = settings.options;
  for (const OptionDeclaration& option : contract.options()) {
    if (options.has(option.name)) continue;
    OptionValue value = option.default_value;
    if (value.empty() && settings.options.values().empty()) value = option.example_value;
    if (value.empty() && (option.required || attempt.free_options))
      value = example_value(option, attempt.size, attempt.list);
    if (!value.empty()) options.set(option.name, std::move(value));
  }
  return options;
}

struct InputPort {
  std::string name;
  const PortDeclaration* port;
};

std::vector<InputPort> inputs_of(const Contract& contract, const TypeCheck& settings, bool optional_inputs) {
  std::vector<InputPort> inputs;
  if (contract.variadic()) {
    for (int i = 0; i < std::max<int>(2, static_cast<int>(settings.shapes.size())); ++i)
      inputs.push_back({contract.input_name(i), &contract.inputs().front()});
    return inputs;
  }
  for (const PortDeclaration& port : contract.inputs()) {
    if (!port.is_optional || optional_inputs || settings.shapes.contains(port.name))
      inputs.push_back({port.name, &port});
  }
  return inputs;
}

Example example_of(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings, const Attempt& attempt,
                   bool optional_inputs) {
  Example example{NodeTester(type), ""};
  const Options options = example_options(type->contract, settings, attempt);
  const std::shared_ptr<const NodeType> own = NodeType::with_ports(type, {options, std::nullopt});
  const Contract& contract = own->contract;
  for (const auto& [name, value] : options.values()) example.tester.option(name, value);
  Extents extents(attempt, options);
  const std::vector<InputPort> inputs = inputs_of(contract, settings, optional_inputs);
  for (const InputPort& input : inputs) {
    const auto given = settings.shapes.find(input.name);
    if (given != settings.shapes.end()) extents.take(*input.port, given->second);
  }
  std::int64_t samples = settings.samples;
  if (!settings.shapes.empty()) samples = settings.shapes.begin()->second[0];
  for (const InputPort& input : inputs) {
    const auto given = settings.shapes.find(input.name);
    const Shape shape = given != settings.shapes.end() ? given->second : extents.shape_of(*input.port, samples);
    example.tester.input(input.name, example_input(*input.port, input.name, shape, settings.classes));
    example.text += fmt::format("{}{} {}", example.text.empty() ? "" : ", ", input.name, shape.text());
  }
  if (inputs.empty()) example.text = fmt::format("{} samples", samples);
  std::string values;
  for (const auto& [name, value] : options.values())
    values += fmt::format("{}{} {}", values.empty() ? "; " : ", ", name, value.text());
  example.text += values;
  example.tester.samples(samples).seed(settings.seed);
  if (!settings.training) example.tester.evaluation();
  return example;
}

void check_names(const Contract& contract, const TypeCheck& settings) {
  for (const auto& [name, shape] : settings.shapes) {
    if (contract.has_open_ports() || contract.input_index(name) >= 0) continue;
    Diagnostic finding;
    finding.code = ErrorCode::unknown_port;
    finding.message = fmt::format("there is no input '{}'", name);
    finding.suggestion = nearest_name(name, contract.input_names());
    throw Error(std::move(finding));
  }
}

}  // namespace

OptionValue example_value(const OptionDeclaration& option, std::int64_t size, int list) {
  const Constraint& rule = option.constraint;
  const bool low = rule.minimum.has_value(), high = rule.maximum.has_value();
  const auto integer = [&](std::int64_t wanted) {
    if (low)
      wanted = std::max(wanted, static_cast<std::int64_t>(std::floor(*rule.minimum)) + (rule.minimum_excluded ? 1 : 0));
    if (high)
      wanted = std::min(wanted, static_cast<std::int64_t>(std::ceil(*rule.maximum)) - (rule.maximum_excluded ? 1 : 0));
    return wanted;
  };
  const auto number = [&] {
    if (low && high) return *rule.minimum + 0.4 * (*rule.maximum - *rule.minimum);
    return low ? *rule.minimum + 0.7 : high ? *rule.maximum - 0.7 : 0.7;
  };
  const auto one = [&](std::int64_t wanted) -> OptionValue {
    return rule.integer_allowed && !rule.number_allowed ? OptionValue(integer(wanted)) : OptionValue(number());
  };
  if (rule.scalar_allowed && (rule.integer_allowed || rule.number_allowed)) return one(size);
  if (rule.list_allowed && (rule.integer_allowed || rule.number_allowed)) {
    static const std::vector<std::vector<std::int64_t>> kLists = {{0}, {0, 0}, {2, 1}, {-1}, {1, 2, 3}};
    std::vector<OptionValue> items;
    for (const std::int64_t item : kLists[static_cast<std::size_t>(list) % kLists.size()])
      items.push_back(one(item == 0 ? size : item));
    return items;
  }
  if (rule.text_allowed && !rule.choices.empty()) return rule.choices.front();
  if (rule.flag_allowed) return false;
  return {};
}

Example find_example(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings, bool optional_inputs) {
  check_names(type->contract, settings);
  for (const Attempt& attempt : attempts()) {
    Example example = example_of(type, settings, attempt, optional_inputs);
    if (example.tester.error().empty()) return example;
  }
  Example natural = example_of(type, settings, attempts().front(), optional_inputs);
  static_cast<void>(natural.tester.setup());  // throws
  throw Error(ErrorCode::node_check_failed,
              fmt::format("{} cannot be prepared: {}", type->name, natural.tester.error()));
}

}  // namespace loom::check
