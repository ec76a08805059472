// The tables of docs/graph-format.md.
#include <fmt/format.h>

#include <functional>
#include <utility>

#include "document/file_keys.h"
#include "document/iteration_section.h"
#include "document/sections.h"
#include "graph/initial_values.h"
#include "train/schema.h"

namespace loom {
namespace {

const std::vector<std::pair<std::string, const Contract*>>& sections() {
  static const std::vector<std::pair<std::string, const Contract*>> all = {
      {"document", &document_keys()},
      {"block", &block_keys()},
      {"losses", &loss_section().contract()},
      {"average", &average_section().contract()},
      {"train", &train_section().contract()},
      {"objectives", &objective_section().contract()},
      {"generate", &generate_section().contract()},
      {"iterate", &iteration_section().contract()},
      {"autoregressive", &autoregression_section().contract()}};
  return all;
}

// Text for a cell of a table.
std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

std::string with_unit(const OptionDeclaration& option) {
  return option.unit.empty() ? option.doc : fmt::format("{} [{}]", option.doc, option.unit);
}

Error unknown(const std::string& what, const std::string& name, const std::vector<std::string>& names) {
  Diagnostics findings;
  findings.add_unknown_word({}, fmt::format("there is no {} '{}'", what, name), name, names).code = ErrorCode::usage;
  return Error(findings.items().front());
}

std::string options_text(const Contract& contract) {
  std::string text;
  for (const OptionDeclaration& option : contract.options()) {
    text += fmt::format("{}`{}` ({}{})", text.empty() ? "" : ", ", option.name, option.constraint.text(),
                        option.required ? "" : fmt::format("; {}", option.default_value.text()));
  }
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const auto& [name, contract] : sections()) names.push_back(name);
  return names;
}

std::string section_table(const std::string& section) {
  for (const auto& [name, contract] : sections()) {
    if (name != section) continue;
    std::string out = "| key | accepts | default | meaning |\n| --- | --- | --- | --- |\n";
    for (const OptionDeclaration& key : contract->options()) {
      const std::string value = key.default_value.text();
      out += fmt::format("| `{}` | {} | {} | {} |\n", key.name, escaped(key.constraint.text()),
                         value.empty() ? "" : "`" + value + "`", escaped(with_unit(key)));
    }
    return out;
  }
  throw unknown("section", section, section_names());
}

std::string value_table(const Contract& contract) {
  std::string out = "| key | metric | unit | definition |\n| --- | --- | --- | --- |\n";
  for (const ValueDeclaration& value : contract.values())
    out += fmt::format("| `{}` | {} | {} | {} |\n", value.key, value.title, value.unit, escaped(value.doc));
  return out;
}

std::string word_table(const Contract& contract) {
  std::string out = "| word | meaning |\n| --- | --- |\n";
  for (const WordDeclaration& word : contract.words())
    out += fmt::format("| `{}` | {} |\n", escaped(word.form), escaped(word.doc));
  return out;
}

namespace {

constexpr const char* kInitialValues = "init";  // rules of initial values, which are no types of a registry

std::string initial_values_table() {
  std::string out = "| rule | values | options: accepted values; default |\n| --- | --- | --- |\n";
  for (const InitialRule& rule : initial_rules())
    out += fmt::format("| `{}` | {} | {} |\n", rule.name, escaped(rule.contract.summary()),
                       escaped(options_text(rule.contract)));
  return out;
}

}  // namespace

std::string type_table(const Registry& registry, const std::string& kind) {
  if (kind == kInitialValues) return initial_values_table();
  std::string out = "| type | summary | options: accepted values; default |\n| --- | --- | --- |\n";
  std::vector<std::string> kinds;
  bool known = false;
  for_each_kind([&]<class Type>() { kinds.emplace_back(Type::kKind); });
  for (const RegisteredType& type : registry.types()) {
    if (type.kind != kind) continue;
    known = true;
    out += fmt::format("| `{}` | {} | {} |\n", type.name, escaped(type.contract->summary()),
                       escaped(options_text(*type.contract)));
  }
  if (!known) throw unknown("kind of types", kind, kinds);
  return out;
}

}  // namespace loom
