#include "train/metric_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/check_options.h"
#include "graph/typed_entry.h"

namespace loom {
namespace {

bool has_required(const Contract& contract) {
  return std::ranges::any_of(contract.options(), &OptionDeclaration::required);
}

// "latents/kl" as "latents".
std::string root_of(const std::string& subject) { return subject.substr(0, subject.find('/')); }

std::vector<double> numbers_in(const OptionValue& value) {
  std::vector<double> numbers;
  const auto* list = std::get_if<std::vector<OptionValue>>(&value);
  for (const OptionValue& item : list == nullptr ? std::vector<OptionValue>{value} : *list) {
    if (const double* number = std::get_if<double>(&item)) numbers.push_back(*number);
    if (const auto* integer = std::get_if<std::int64_t>(&item)) numbers.push_back(static_cast<double>(*integer));
  }
  return numbers;
}

struct CodePort {
  Reference reference;
  std::int64_t size = 0;  // number of codes; 0: not given
};

Reference reference_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return {name.substr(0, dot), dot == std::string::npos ? "" : name.substr(dot + 1), {}};
}

// In the order of the option; a pattern is each instance of its repeat.
std::vector<CodePort> code_ports(const Options& options, const Graph& graph) {
  std::vector<CodePort> ports;
  if (!options.values().contains(kCodePorts) || !options.has(kCodePorts)) return ports;
  const OptionValue& given = options.values().at(kCodePorts);
  const auto* list = std::get_if<std::vector<OptionValue>>(&given);
  const std::vector<OptionValue> names = list != nullptr ? *list : std::vector<OptionValue>{given};
  const std::vector<std::int64_t> sizes =
      options.has(kCodeSizes) ? options.integers(kCodeSizes, names.size()) : std::vector<std::int64_t>();
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const std::string& name : graph.instances(std::get<std::string>(names[i]), ErrorCode::dangling_input))
      ports.push_back({reference_of(name), i < sizes.size() ? sizes[i] : 0});
  }
  return ports;
}

}  // namespace

void check_code_ports(const Document& document, const std::vector<ChosenMetric>& metrics, const Graph& graph,
                      Diagnostics& diagnostics) {
  for (const ChosenMetric& chosen : metrics) {
    const auto entry = std::ranges::find_if(
        document.metrics, [&](const MetricEntry& one) { return one.metric.type == chosen.type->name; });
    const bool given = entry != document.metrics.end() && entry->metric.options.contains(kCodePorts);
    if (!given || chosen.type->contract.measured() != Measured::quantizers) continue;
    const Location& where = entry->metric.options.at(kCodePorts).where;
    try {
      for (const CodePort& one : code_ports(chosen.options, graph)) {
        const Port port = graph.port(one.reference.text(), ErrorCode::dangling_input);
        if (graph.dtype(port) == DType::i32 && one.size > 0) continue;
        const bool numbers = graph.dtype(port) != DType::i32;
        Diagnostic& finding =
            diagnostics.add(numbers ? ErrorCode::dtype_mismatch : ErrorCode::missing_option, where,
                            numbers ? fmt::format("the port '{}' has no codes", one.reference.text())
                                    : fmt::format("metric {}: `{}` does not say how many codes '{}' has",
                                                  chosen.type->name, kCodeSizes, one.reference.text()));
        if (numbers) finding.got = std::string(name_of(graph.dtype(port)));
        finding.expected = numbers ? "i32" : "size: N, or a number for each port";
      }
    } catch (const Error& error) {
      for (Diagnostic finding : error.diagnostics()) {
        finding.where = where;
        diagnostics.add(Error(std::move(finding)));
      }
    }
  }
}

std::vector<ChosenMetric> choose_metrics(const Document& document, const Registry& registry, Diagnostics& diagnostics) {
  static const std::map<std::string, OptionEntry> kNone;
  for (const MetricEntry& entry : document.metrics) find_type<MetricType>(registry, entry.metric, diagnostics);
  std::vector<ChosenMetric> chosen;
  for (const std::string& name : registry.names<MetricType>()) {
    const auto type = registry.find<MetricType>(name);
    const auto of_name = [&](const MetricEntry& entry) { return entry.metric.type == name; };
    const auto entry = std::ranges::find_if(document.metrics, of_name);
    const bool given = entry != document.metrics.end();
    if (given ? entry->off : has_required(type->contract)) continue;
    chosen.push_back({type, check_options(type->contract, given ? entry->metric.options : kNone,
                                          given ? entry->metric.where : Location{}, "metric " + name, diagnostics)});
  }
  return chosen;
}

MetricSet::MetricSet(const std::vector<ChosenMetric>& metrics, const Graph& graph, const ParameterStore& store,
                     const std::vector<LossTerm>& terms)
    : metrics_(metrics), store_(store) {
  const std::vector<Posterior> posteriors = find_posteriors(graph, terms);
  for (const ChosenMetric& chosen : metrics_) {
    if (chosen.type->contract.measured() == Measured::posteriors) {
      for (const Posterior& posterior : posteriors)
        bind(chosen, graph, posterior.divergence, "latents/" + posterior.name, !posterior.prior_reads_data);
    }
    if (chosen.type->contract.measured() != Measured::quantizers) continue;
    for (int i = 0; i < graph.size(); ++i) {
      if (graph.node(i).contract().role() == Role::quantizer)
        bind(chosen, graph, i, "quantizers/" + graph.node(i).path, true);
    }
    bind_codes(chosen, graph);
  }
}

MetricSet::Source MetricSet::find(const GraphNode& node, int index, const std::string& name) {
  const Contract& contract = node.contract();
  for (const GraphParameter& state : node.states) {
    if (contract.states()[static_cast<std::size_t>(state.declaration)].name == name)
      return {-1, store_.find(state.path)};
  }
  Port port;
  if (const int input = contract.input_index(name); input >= 0) port = node.inputs[static_cast<std::size_t>(input)];
  if (const int output = contract.output_index(name); output >= 0) port = {index, output};
  return port.valid() ? source_of(port) : Source{};
}

MetricSet::Source MetricSet::source_of(Port port) {
  const auto known = std::ranges::find(ports_, port);
  if (known != ports_.end()) return {static_cast<int>(known - ports_.begin()), -1};
  ports_.push_back(port);
  return {static_cast<int>(ports_.size()) - 1, -1};
}

void MetricSet::bind(const ChosenMetric& chosen, const Graph& graph, int node, std::string subject, bool fixed_prior) {
  Item item{&chosen, std::move(subject), fixed_prior, {}, chosen.options, nullptr};
  const std::size_t before = ports_.size();
  for (const PortDeclaration& input : chosen.type->contract.inputs()) {
    item.sources.push_back(find(graph.node(node), node, input.name));
    const Source& source = item.sources.back();
    const bool fits = source.port < 0 || graph.dtype(ports_[static_cast<std::size_t>(source.port)]) == input.type;
    if (fits && (source.port >= 0 || source.state >= 0 || input.is_optional)) continue;
    ports_.resize(before);
    return;
  }
  items_.push_back(std::move(item));
}

// Each port by itself, as the codes of a quantizer of this size.
void MetricSet::bind_codes(const ChosenMetric& chosen, const Graph& graph) {
  const std::vector<CodePort> ports = code_ports(chosen.options, graph);
  for (const CodePort& one : ports) {
    const Port port = graph.find_port(one.reference);
    if (!port.valid()) continue;
    Item item{&chosen, "quantizers/" + graph.name_of(port), true, {}, chosen.options, nullptr};
    item.options.set(kCodePorts, OptionValue(one.reference.text()));
    item.options.set(kCodeSizes, OptionValue(one.size));
    for (const PortDeclaration& input : chosen.type->contract.inputs())
      item.sources.push_back(input.name == "codes" ? source_of(port) : Source{});
    items_.push_back(std::move(item));
  }
}

void MetricSet::begin(MetricPass pass) {
  for (Item& item : items_) {
    item.metric = item.chosen->type->create(item.options);
    pass.fixed_prior = item.fixed_prior;
    item.metric->begin(pass);
  }
}

void MetricSet::add(std::span<const TensorView> values) {
  std::vector<TensorView> inputs;
  for (Item& item : items_) {
    inputs.clear();
    for (const Source& source : item.sources) {
      if (source.port >= 0)
        inputs.push_back(values[static_cast<std::size_t>(source.port)]);
      else
        inputs.push_back(source.state >= 0 ? store_.at(source.state).value.view() : TensorView());
    }
    item.metric->add(inputs);
  }
}

std::vector<MetricValue> MetricSet::finish(const std::string& split) {
  std::vector<MetricValue> all;
  for (Item& item : items_) {
    const auto own = described(item.chosen->type->contract, item.metric->finish(), item.subject, split);
    all.insert(all.end(), own.begin(), own.end());
    item.metric.reset();
  }
  return all;
}

std::vector<MetricValue> measure_tensors(const ChosenMetric& chosen, const std::map<std::string, TensorView>& inputs,
                                         MetricPass pass, const std::string& subject, const std::string& split) {
  std::vector<TensorView> values;
  for (const PortDeclaration& input : chosen.type->contract.inputs()) {
    const auto it = inputs.find(input.name);
    const bool fits = it != inputs.end() && it->second.dtype() == input.type;
    if (!fits && !input.is_optional) return {};
    values.push_back(fits ? it->second : TensorView());
  }
  const auto metric = chosen.type->create(chosen.options);
  metric->begin(pass);
  metric->add(values);
  return described(chosen.type->contract, metric->finish(), subject, split);
}

std::vector<MetricValue> described(const Contract& contract, std::vector<MetricResult> results,
                                   const std::string& subject, const std::string& split) {
  std::vector<MetricValue> values;
  for (MetricResult& result : results) {
    const ValueDeclaration* declared = contract.find_value(result.key);
    if (declared == nullptr)
      throw Error(ErrorCode::usage, fmt::format("a metric gives '{}', which it does not declare", result.key));
    values.push_back({result.key, subject, declared->title, declared->unit, std::move(result.value),
                      result.standard_error, split, std::move(result.note), declared->is_curve});
  }
  return values;
}

const MetricValue* find_value(const std::vector<MetricValue>& values, const std::string& key,
                              const std::string& subject) {
  for (const MetricValue& value : values) {
    if (value.key == key && (subject.empty() || value.subject == subject) && !value.value.empty()) return &value;
  }
  return nullptr;
}

std::optional<double> number_of(const MetricValue& value) {
  if (std::holds_alternative<std::vector<OptionValue>>(value.value)) return std::nullopt;
  const std::vector<double> numbers = numbers_in(value.value);
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::vector<std::pair<std::string, double>> curves_of(const std::vector<MetricValue>& values) {
  std::map<std::string, std::string> only;  // the one subject of each kind; "" if there are several
  for (const MetricValue& value : values) {
    const auto [it, fresh] = only.emplace(root_of(value.subject), value.subject);
    if (!fresh && it->second != value.subject) it->second.clear();
  }
  std::vector<std::pair<std::string, double>> curves;
  for (const MetricValue& value : values) {
    std::vector<double> numbers = numbers_in(value.value);
    if (!value.is_curve || numbers.empty()) continue;
    const std::string root = root_of(value.subject);
    const bool alone = only[root] == value.subject || root == "terms";
    const std::string name = (alone ? "" : value.subject.substr(root.size() + 1) + ".") + value.key;
    if (!std::holds_alternative<std::vector<OptionValue>>(value.value)) {
      curves.emplace_back(name, numbers.front());
      continue;
    }
    std::ranges::sort(numbers);
    curves.emplace_back(name + ".largest", numbers.back());
    curves.emplace_back(name + ".median", 0.5 * (numbers[(numbers.size() - 1) / 2] + numbers[numbers.size() / 2]));
    curves.emplace_back(name + ".smallest", numbers.front());
  }
  return curves;
}

}  // namespace loom
