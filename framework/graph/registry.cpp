#include "loom/plugin.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {
namespace {

template <class Map, class Type>
void add_to(Map& types, Type type, bool replace) {
  const auto it = types.find(type.name);
  if (it != types.end() && !replace) {
    throw Error(ErrorCode::plugin_duplicate,
                fmt::format("'{}' is registered by both {} and {}", type.name, it->second->library, type.library),
                "rename one of them");
  }
  std::string name = type.name;
  types[std::move(name)] = std::make_shared<const Type>(std::move(type));
}

template <class Map>
std::vector<std::string> keys_of(const Map& types) {
  std::vector<std::string> names;
  for (const auto& [name, type] : types) names.push_back(name);
  return names;
}

}  // namespace

void Registry::add(NodeType type, bool replace) {
  const std::lock_guard lock(mutex_);
  add_to(nodes_, std::move(type), replace);
}
void Registry::add(DatasetType type, bool replace) {
  const std::lock_guard lock(mutex_);
  add_to(datasets_, std::move(type), replace);
}
std::shared_ptr<const NodeType> Registry::node(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(name);
  return it == nodes_.end() ? nullptr : it->second;
}
std::shared_ptr<const DatasetType> Registry::dataset(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = datasets_.find(name);
  return it == datasets_.end() ? nullptr : it->second;
}
void Registry::add(LoadedLibrary library) {
  const std::lock_guard lock(mutex_);
  const auto same = [&](const LoadedLibrary& other) { return other.file == library.file; };
  if (std::ranges::none_of(libraries_, same)) libraries_.push_back(std::move(library));
}
std::vector<LoadedLibrary> Registry::libraries() const {
  const std::lock_guard lock(mutex_);
  return libraries_;
}
std::vector<std::string> Registry::node_names() const {
  const std::lock_guard lock(mutex_);
  return keys_of(nodes_);
}
std::vector<std::string> Registry::dataset_names() const {
  const std::lock_guard lock(mutex_);
  return keys_of(datasets_);
}

}  // namespace loom
