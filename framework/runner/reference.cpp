#include "runner/reference.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "data/source.h"
#include "train/schema.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string_view role_text(Role role) {
  switch (role) {
    case Role::input: return "input";
    case Role::likelihood: return "likelihood";
    case Role::divergence: return "divergence";
    case Role::sampler: return "sampler";
    case Role::prior: return "prior";
    case Role::quantizer: return "quantizer";
    case Role::gradient: return "gradient";
    case Role::other: break;
  }
  return "";
}

// "activation {function: sigmoid} of logits"
std::string related_text(const RelatedNode& related) {
  std::vector<std::string> sources, options;
  for (const auto& [input, source] : related.inputs) sources.push_back(source);
  for (const auto& [option, value] : related.options) options.push_back(option + ": " + value.text());
  return related.type + (options.empty() ? "" : " {" + joined(options, ", ") + "}") +
         (sources.empty() ? "" : " of " + joined(sources, ", "));
}

// The properties of a contract besides its ports.
std::vector<std::string> traits_of(const Contract& contract) {
  std::vector<std::string> traits;
  if (contract.role() != Role::other) traits.emplace_back(role_text(contract.role()));
  if (contract.is_stochastic())
    traits.emplace_back(contract.is_stochastic(false) ? "draws random numbers" : "draws random numbers in training");
  if (const std::string batch = contract.whole_batch_text(); !batch.empty()) traits.push_back(batch);
  if (contract.is_alias()) traits.emplace_back("free: the same memory with another shape");
  if (!contract.causal_text().empty()) traits.push_back(contract.causal_text());
  if (!contract.second_derivative_text().empty()) traits.push_back(contract.second_derivative_text());
  if (!contract.mean().empty()) traits.push_back(fmt::format("mean: the input {}", contract.mean()));
  if (contract.mean_by()) traits.push_back(fmt::format("mean: {}", related_text(*contract.mean_by())));
  if (contract.drawn_by()) {
    const bool is_divergence = contract.role() == Role::divergence;
    traits.push_back(
        fmt::format("{}: {}", is_divergence ? "prior drawn by" : "drawn by", related_text(*contract.drawn_by())));
  }
  if (contract.looked_up_by())
    traits.push_back(fmt::format("codes looked up by: {}", related_text(*contract.looked_up_by())));
  return traits;
}

std::string port_type(const PortDeclaration& port) {
  std::string type = !port.type_option.empty()           ? fmt::format("option {}", port.type_option)
                     : !port.type_input.empty()          ? fmt::format("that of {}", port.type_input)
                     : port.any_type || port.reads_codes ? "f32 or i32"
                                                         : std::string(name_of(port.type));
  if (port.is_variadic) type += ", any number";
  if (port.is_any_name) type += ", any names";
  if (port.is_optional) type += ", optional";
  if (!port.is_differentiable && port.type == DType::f32) type += ", without gradient";
  if (port.is_straight_through) type += ", straight-through";
  return type;
}

std::string default_text(const OptionDeclaration& option) {
  if (option.required) return "required";
  return option.default_value.empty() ? "none" : option.default_value.text();
}

std::string option_doc(const OptionDeclaration& option) {
  return option.unit.empty() ? option.doc : fmt::format("{} [{}]", option.doc, option.unit);
}

std::string initializer_text(const Initializer& initializer) {
  switch (initializer.kind) {
    case Initializer::Kind::constant: return fmt::format("{:g}", initializer.a);
    case Initializer::Kind::normal: return fmt::format("N({:g}, {:g}^2)", initializer.a, initializer.b);
    case Initializer::Kind::uniform: return fmt::format("U({:g}, {:g})", initializer.a, initializer.b);
    case Initializer::Kind::uniform_fan_in:
      return fmt::format("U(-{0:g}, {0:g}) / sqrt(fan-in{1})", initializer.a,
                         initializer.of.empty() ? "" : " of " + initializer.of);
    case Initializer::Kind::uniform_rows: return "U(-1, 1) / rows";
    case Initializer::Kind::equal:
      return fmt::format("{} `{}`", initializer.b == 2 ? "norms of the rows of" : "equal to", initializer.of);
  }
  return "";
}

// A `|` would end the cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

void port_table(std::string& out, const char* title, const std::vector<PortDeclaration>& ports) {
  if (ports.empty()) return;
  out += fmt::format("\n| {} | shape | type | |\n|---|---|---|---|\n", title);
  for (const PortDeclaration& port : ports) {
    out += fmt::format("| `{}` | `{}` | {} | {} |\n", port.name, cell(port.pattern), port_type(port), cell(port.doc));
  }
}

void parameter_table(std::string& out, const char* title, const std::vector<ParameterDeclaration>& parameters) {
  if (parameters.empty()) return;
  out += fmt::format("\n| {} | shape | starts as | |\n|---|---|---|---|\n", title);
  for (const ParameterDeclaration& parameter : parameters) {
    const std::string when = !parameter.input.empty() ? fmt::format(" (with `{}`)", parameter.input)
                             : parameter.condition    ? " (by option)"
                                                      : "";
    out += fmt::format("| `{}`{} | `{}` | {} | {} |\n", parameter.name, when, cell(parameter.pattern),
                       initializer_text(parameter.initializer), cell(parameter.doc));
  }
}

void option_table(std::string& out, const Contract& contract) {
  if (contract.options().empty()) return;
  out += "\n| option | default | accepts | |\n|---|---|---|---|\n";
  for (const OptionDeclaration& option : contract.options()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", option.name, cell(default_text(option)),
                       cell(option.constraint.text()), cell(option_doc(option)));
  }
}

std::string section_of(const std::string& name, const Contract& contract, const char* outputs) {
  std::string out = fmt::format("\n### {}\n{}.", name, contract.summary());
  if (!contract.source().empty()) out += fmt::format(" Source: {}.", contract.source());
  const std::vector<std::string> traits = traits_of(contract);
  if (!traits.empty()) out += fmt::format(" *{}.*", joined(traits, "; "));
  out += '\n';
  port_table(out, "input", contract.inputs());
  port_table(out, outputs, contract.outputs());
  option_table(out, contract);
  if (!contract.words().empty()) out += "\n" + word_table(contract);
  parameter_table(out, "parameter", contract.parameters());
  parameter_table(out, "state", contract.states());
  if (!contract.values().empty()) out += "\n" + value_table(contract);
  return out;
}

template <class Type>
void add_sections(const Registry& registry, const char* introduction, const char* outputs, std::string& out) {
  out += introduction;
  for (const std::string& name : registry.names<Type>())
    out += section_of(name, registry.find<Type>(name)->contract, outputs);
}

}  // namespace

std::string group_of(const std::string& library) {
  const std::string stem = std::filesystem::path(library).stem().string();
  const std::string prefix = "liblatentloom_nodes_";
  if (stem.starts_with(prefix)) return stem.substr(prefix.size());
  return stem.starts_with("lib") ? stem.substr(3) : stem;
}

std::string reference_text(const Registry& registry) {
  std::string out =
      "# Node reference\n\nGenerated from the declarations by `graph-runner list --reference`. In a shape, `N` is the "
      "batch, any other upper-case\n"
      "letter is one extent, which is the same throughout the node, `...E` is a list of extents, and a lower-case name "
      "is the value\nof that option.\n";
  std::map<std::string, std::vector<std::string>> groups;
  for (const std::string& name : registry.node_names()) groups[group_of(registry.node(name)->library)].push_back(name);
  for (const auto& [group, names] : groups) {
    out += fmt::format("\n## {}\n", group);
    for (const std::string& name : names) out += section_of(name, registry.node(name)->contract, "output");
  }
  std::string data_heading =
      "\n## Data sets\nA graph names one under `data:`, the command line with `--data TYPE:PATH,key=value`. Those that "
      "hold out files of a\nfolder also take `test`, a folder whose items are the test split; `path` is train then. "
      "Every data set also takes\n";
  option_table(data_heading, common_data_contract());
  add_sections<DatasetType>(registry, data_heading.c_str(), "column", out);
  add_sections<OptimizerType>(registry,
                              "\n## Optimizers\n`optimizer: {type: NAME, lr: ..., option: value}` under `train` or an "
                              "objective. Every optimizer "
                              "also takes `lr`, a number or a\nschedule.\n",
                              "output", out);
  add_sections<ScheduleType>(registry,
                             "\n## Schedules\n`{type: NAME, option: value}` instead of a number: a learning rate, the "
                             "weight of a loss. Every "
                             "schedule also takes `warmup`.\n",
                             "output", out);
  add_sections<MetricType>(
      registry,
      "\n## Metrics\nEvery metric is measured wherever its inputs exist. `metrics: {NAME: {option: value}}` gives "
      "options, "
      "`metrics: {NAME: false}`\nturns one off. [measurements.md](measurements.md) describes them.\n",
      "output", out);
  return out;
}

std::string contract_text(const std::string& name, const Contract& contract) {
  std::string out = fmt::format("{}: {}\n", name, contract.summary());
  if (!contract.source().empty()) out += fmt::format("  source: {}\n", contract.source());
  for (const std::string& trait : traits_of(contract)) out += fmt::format("  {}\n", trait);
  const auto line = [&](const std::string& first, const std::string& second, const std::string& third,
                        const std::string& doc) {
    out += fmt::format("  {:<18} {:<18} {:<16} {}\n", first, second, third, doc);
  };
  const auto ports = [&](const char* title, const std::vector<PortDeclaration>& list) {
    if (!list.empty()) out += fmt::format("{}\n", title);
    for (const PortDeclaration& port : list) line(port.name, port.pattern, port_type(port), port.doc);
  };
  ports("inputs", contract.inputs());
  ports("outputs", contract.outputs());
  if (!contract.options().empty()) out += "options\n";
  for (const OptionDeclaration& option : contract.options()) {
    line(option.name, default_text(option), option_doc(option), "");
    out.erase(out.find_last_not_of(" \n") + 1);
    out += fmt::format("\n  {:<18} {}\n", "", option.constraint.text());
  }
  if (!contract.words().empty()) out += "words\n";
  for (const WordDeclaration& word : contract.words()) out += fmt::format("  {:<28} {}\n", word.form, word.doc);
  const auto parameters = [&](const char* title, const std::vector<ParameterDeclaration>& list) {
    if (!list.empty()) out += fmt::format("{}\n", title);
    for (const ParameterDeclaration& item : list)
      line(item.name, item.pattern, initializer_text(item.initializer), item.doc);
  };
  parameters("parameters", contract.parameters());
  parameters("state", contract.states());
  if (!contract.values().empty()) out += "values\n";
  for (const ValueDeclaration& value : contract.values()) line(value.key, value.unit, "", value.doc);
  return out;
}

namespace {

Json words_json(const Contract& contract) {
  Json words = Json::array();
  for (const WordDeclaration& word : contract.words())
    words.push_back({{"name", word.name}, {"form", word.form}, {"doc", word.doc}});
  return words;
}

Json values_json(const Contract& contract) {
  Json values = Json::array();
  for (const ValueDeclaration& value : contract.values())
    values.push_back({{"key", value.key}, {"title", value.title}, {"unit", value.unit}, {"doc", value.doc}});
  return values;
}

}  // namespace

Json contract_json(const std::string& name, const Contract& contract) {
  const auto ports = [](const std::vector<PortDeclaration>& list) {
    Json json = Json::array();
    for (const PortDeclaration& port : list) {
      json.push_back(
          {{"name", port.name},
           {"shape", port.pattern},
           {"dtype", port.type_option.empty() ? Json(name_of(port.type)) : Json({{"option", port.type_option}})},
           {"optional", port.is_optional},
           {"variadic", port.is_variadic},
           {"any_name", port.is_any_name},
           {"differentiable", port.is_differentiable},
           {"doc", port.doc}});
    }
    return json;
  };
  const auto parameters = [](const std::vector<ParameterDeclaration>& list) {
    Json json = Json::array();
    for (const ParameterDeclaration& item : list) {
      json.push_back({{"name", item.name},
                      {"shape", item.pattern},
                      {"initial", initializer_text(item.initializer)},
                      {"conditional", static_cast<bool>(item.condition) || !item.input.empty()},
                      {"doc", item.doc}});
    }
    return json;
  };
  Json options = Json::array();
  for (const OptionDeclaration& option : contract.options()) {
    options.push_back({{"name", option.name},
                       {"required", option.required},
                       {"default", option.default_value.empty() ? Json(nullptr) : Json(option.default_value.text())},
                       {"accepts", option.constraint.text()},
                       {"unit", option.unit},
                       {"doc", option.doc}});
  }
  return {{"name", name},
          {"summary", contract.summary()},
          {"source", contract.source()},
          {"role", role_text(contract.role())},
          {"traits", traits_of(contract)},
          {"inputs", ports(contract.inputs())},
          {"outputs", ports(contract.outputs())},
          {"options", options},
          {"words", words_json(contract)},
          {"parameters", parameters(contract.parameters())},
          {"states", parameters(contract.states())},
          {"values", values_json(contract)}};
}

}  // namespace loom::runner
