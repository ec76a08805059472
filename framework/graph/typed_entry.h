// Finds the registered type that an entry of a document names.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>

#include "graph/graph_document.h"
#include "loom/plugin.h"

namespace loom {

// Null, with a diagnostic that names the nearest type, if the registry has no such type.
//
template <class Type>
std::shared_ptr<const Type> find_type(const Registry& registry, const TypedEntry& entry, Diagnostics& diagnostics) {
  if (auto type = registry.find<Type>(entry.type)) return type;
  if (entry.type.empty()) return nullptr;  // reported by the document layer
  diagnostics.add_unknown_word(entry.type_where, fmt::format("there is no {} '{}'", Type::kKind, entry.type),
                               entry.type, registry.names<Type>());
  return nullptr;
}

}  // namespace loom
