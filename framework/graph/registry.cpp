#include "loom/plugin.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {

std::shared_ptr<const NodeType> NodeType::with_ports(const std::shared_ptr<const NodeType>& type,
                                                     const PortChoice& choice) {
  if (!type->ports) return type;
  auto own = std::make_shared<NodeType>(*type);
  own->contract = type->contract.without_ports();
  type->ports(own->contract, choice);
  return own;
}

template <class Type>
void Registry::add(Type type, bool replace) {
  const std::lock_guard lock(mutex_);
  auto& types = map<Type>();
  const auto it = types.find(type.name);
  if (it != types.end() && !replace) {
    throw Error(ErrorCode::plugin_duplicate,
                fmt::format("'{}' is registered by both {} and {}", type.name, it->second->library, type.library),
                "rename one of them");
  }
  std::string name = type.name;
  types[std::move(name)] = std::make_shared<const Type>(std::move(type));
}

template <class Type>
std::shared_ptr<const Type> Registry::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = map<Type>().find(name);
  return it == map<Type>().end() ? nullptr : it->second;
}

template <class Type>
std::vector<std::string> Registry::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, type] : map<Type>()) names.push_back(name);
  return names;
}

std::vector<RegisteredType> Registry::types() const {
  const std::lock_guard lock(mutex_);
  std::vector<RegisteredType> all;
  for_each_kind([&]<class Type>() {
    for (const auto& [name, type] : map<Type>()) {
      all.push_back({Type::kKind, name, std::shared_ptr<const Contract>(type, &type->contract), type->library});
    }
  });
  return all;
}

void Registry::add_library(LoadedLibrary library) {
  const std::lock_guard lock(mutex_);
  const auto same = [&](const LoadedLibrary& other) { return other.file == library.file; };
  if (std::ranges::none_of(libraries_, same)) libraries_.push_back(std::move(library));
}

std::vector<LoadedLibrary> Registry::libraries() const {
  const std::lock_guard lock(mutex_);
  return libraries_;
}

// Instantiates the functions of each kind.
#define LOOM_INSTANTIATE(Type)                                                         \
  template void Registry::add<Type>(Type, bool);                                       \
  template std::shared_ptr<const Type> Registry::find<Type>(const std::string&) const; \
  template std::vector<std::string> Registry::names<Type>() const;
LOOM_INSTANTIATE(NodeType)
LOOM_INSTANTIATE(DatasetType)
LOOM_INSTANTIATE(OptimizerType)
LOOM_INSTANTIATE(ScheduleType)
LOOM_INSTANTIATE(MetricType)

}  // namespace loom
