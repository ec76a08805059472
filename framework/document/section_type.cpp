#include "document/section_type.h"

#include "graph/check_options.h"

namespace loom::detail {

OptionValue to_option(const std::vector<std::string>& values) {
  if (values.empty()) return {};
  return OptionValue(std::vector<OptionValue>(values.begin(), values.end()));
}

void from_option(const OptionValue& value, bool& out) { out = std::get<bool>(value); }
void from_option(const OptionValue& value, double& out) { out = std::get<double>(value); }
void from_option(const OptionValue& value, std::optional<double>& out) { out = std::get<double>(value); }
void from_option(const OptionValue& value, std::int64_t& out) { out = std::get<std::int64_t>(value); }
void from_option(const OptionValue& value, std::uint64_t& out) {
  out = static_cast<std::uint64_t>(std::get<std::int64_t>(value));
}
void from_option(const OptionValue& value, std::string& out) { out = std::get<std::string>(value); }
void from_option(const OptionValue& value, std::vector<std::string>& out) {
  out.clear();
  if (const auto* one = std::get_if<std::string>(&value)) {
    out.push_back(*one);
    return;
  }
  for (const OptionValue& item : std::get<std::vector<OptionValue>>(value)) out.push_back(std::get<std::string>(item));
}

OptionValue read_key(Section& section, const OptionDeclaration& key) {
  const Value* value = section.get(key.name);
  if (value == nullptr || value->broken) return {};
  const std::string what = section.what() + "." + key.name;
  if (value->is_map()) {
    wrong_type(*value, what, key.constraint.text(), section.diagnostics());
    return {};
  }
  const OptionValue given = option_value(*value, what, section.diagnostics());
  if (given.empty()) return {};
  return accept_value(key.constraint, given, value->where, what, section.diagnostics());
}

}  // namespace loom::detail
