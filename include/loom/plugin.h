// The types of nodes and data sets that a process knows, by name.
//
// LOOM_NODE or LOOM_DATASET registers a type in its own file. The type is linked into the list of its plugin library
// and added to the Registry when the library is loaded (plugin/loader.h). There is no other list of names.
//
// Ownership: a NodeType holds its library open as long as any graph uses it. Thread safety: add() locks; lookups
// return shared pointers, so a type may be replaced while programs that use the old one run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "loom/abi.h"
#include "loom/contract.h"
#include "loom/shape_inference.h"

namespace loom {

class Dataset;
class Node;

struct NodeType {
  std::shared_ptr<void> keep;  // holds the library open; declared first to be destroyed last, after the library's code
  std::string name;
  Contract contract;
  std::function<void(ShapeInference&)> infer;  // empty if patterns suffice
  std::function<std::unique_ptr<Node>(const Options&)> create;
  std::string library;  // the file it came from
};

struct DatasetType {
  std::shared_ptr<void> keep;
  std::string name;
  Contract contract;  // options and outputs (the columns)
  std::function<std::unique_ptr<Dataset>(const Options&)> create;
  std::string library;
};

// The contents of one plugin library.
struct PluginTypes {
  std::vector<NodeType> nodes;
  std::vector<DatasetType> datasets;
};

// A loaded plugin library, as named in messages.
struct LoadedLibrary {
  std::string name;  // the name by which a document requests it: "huber" for libhuber.so
  std::string file;
};

class Registry {
 public:
  // Throws Error(plugin_duplicate) if a name is already registered, unless `replace`.
  void add(NodeType type, bool replace = false);
  void add(DatasetType type, bool replace = false);
  std::shared_ptr<const NodeType> node(const std::string& name) const;        // null if unknown
  std::shared_ptr<const DatasetType> dataset(const std::string& name) const;  // null if unknown
  std::vector<std::string> node_names() const;                                // sorted
  std::vector<std::string> dataset_names() const;                             // sorted
  // The libraries that were loaded into it, in order. A file is listed once, even if it was replaced.
  void add(LoadedLibrary library);
  std::vector<LoadedLibrary> libraries() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const NodeType>> nodes_;
  std::map<std::string, std::shared_ptr<const DatasetType>> datasets_;
  std::vector<LoadedLibrary> libraries_;
};

// Loads one plugin library. Types are added only if the whole library is accepted. Messages and NodeType::library use
// the name `shown_as` if it is given: a private copy of a file is shown under the name of the original.
// Errors: plugin_not_found, plugin_invalid (no descriptor), plugin_mismatch (another build), plugin_duplicate.
void load_plugin(Registry& registry, const std::string& file, bool replace = false, const std::string& shown_as = "");

namespace detail {

// One LOOM_NODE or LOOM_DATASET. While a library is opened, these are only linked into a list. The types are made after
// the host has found that it may call the library (plugin/compatibility.h).
struct Registration {
  loom_plugin_type type;  // first, so that a pointer to it is a pointer to the Registration
  NodeType (*node)(std::string name);
  DatasetType (*dataset)(std::string name);
};

// One list per shared library: hidden, so that each library has its own list.
__attribute__((visibility("hidden"))) inline const loom_plugin_type*& registered_types() {
  static const loom_plugin_type* newest = nullptr;
  return newest;
}

__attribute__((visibility("hidden"))) inline bool link_type(Registration& registration) {
  registration.type.next = registered_types();
  registered_types() = &registration.type;
  return true;
}

inline PluginTypes collect(const loom_plugin_type* newest) {
  PluginTypes types;
  for (const loom_plugin_type* type = newest; type != nullptr; type = type->next) {
    const auto& registration = *reinterpret_cast<const Registration*>(type);
    if (registration.node != nullptr)
      types.nodes.push_back(registration.node(type->name));
    else
      types.datasets.push_back(registration.dataset(type->name));
  }
  return types;
}

template <class T>
NodeType make_node_type(std::string name) {
  NodeType type;
  type.name = std::move(name);
  T::declare(type.contract);
  if constexpr (requires(ShapeInference & s) { T::infer(s); }) type.infer = [](ShapeInference& s) { T::infer(s); };
  type.create = [](const Options& options) -> std::unique_ptr<Node> { return std::make_unique<T>(options); };
  return type;
}

template <class T>
DatasetType make_dataset_type(std::string name) {
  DatasetType type;
  type.name = std::move(name);
  T::declare(type.contract);
  type.create = [](const Options& options) -> std::unique_ptr<Dataset> { return std::make_unique<T>(options); };
  return type;
}

}  // namespace detail
}  // namespace loom

// The name may have the author's prefix: "acme.huber".
#define LOOM_NODE(Type, name)                                                   \
  static ::loom::detail::Registration loom_registration_##Type{                 \
      {name, "node", nullptr}, &::loom::detail::make_node_type<Type>, nullptr}; \
  [[maybe_unused]] static const bool loom_registered_##Type = ::loom::detail::link_type(loom_registration_##Type);
#define LOOM_DATASET(Type, name)                                                      \
  static ::loom::detail::Registration loom_registration_##Type{                       \
      {name, "dataset", nullptr}, nullptr, &::loom::detail::make_dataset_type<Type>}; \
  [[maybe_unused]] static const bool loom_registered_##Type = ::loom::detail::link_type(loom_registration_##Type);
