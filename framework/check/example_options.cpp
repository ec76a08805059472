#include "check/example_options.h"

#include <fmt/format.h>

#include "check/example.h"

namespace loom::check {

std::optional<Options> example_options(const Contract& contract, const TypeCheck& settings, CheckTable& table) {
  Options options;
  std::string text;
  for (const OptionDeclaration& option : contract.options()) {
    OptionValue value = option.default_value;
    if (settings.options.has(option.name))
      value = settings.options.values().at(option.name);
    else if (value.empty() && option.required)
      value = example_value(option, 3, 0);
    if (value.empty() && option.required) {
      table.add({"example", CheckRow::Result::skipped,
                 fmt::format("'{}' has no default that can be derived: give --set {}=...", option.name, option.name)});
      return std::nullopt;
    }
    if (!value.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", option.name, value.text());
    options.set(option.name, std::move(value));
  }
  if (!text.empty()) table.examples.push_back(text);
  return options;
}

}  // namespace loom::check
