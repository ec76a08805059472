// Options to check a type with: those that are given, defaults, and values of the declared ranges.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "loom/check.h"

namespace loom::check {

// Nothing, and a row that says which option has to be given, where one has no value that can be derived. The table
// learns what is used.
std::optional<Options> example_options(const Contract& contract, const TypeCheck& settings, CheckTable& table);

// Makes the object from example options; what it throws is a failed row.
template <class Type, class Check>
CheckTable check_with(const Type& type, const TypeCheck& settings, const Check& check) {
  CheckTable table;
  table.type = type.name;
  table.kind = Type::kKind;
  table.library = type.library;
  const std::optional<Options> options = example_options(type.contract, settings, table);
  if (!options) return table;
  try {
    const auto made = type.create(*options);
    check(*made, *options, table);
  } catch (const std::exception& error) {
    table.add({"call", CheckRow::Result::failed, fmt::format("it throws: {}", error.what())});
  }
  return table;
}

}  // namespace loom::check
