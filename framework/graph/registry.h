// The types of nodes and data sets a process knows, by name.
//
// A type is registered by LOOM_NODE or LOOM_DATASET in its own file, collected per plugin library, and added to the
// Registry when the library is loaded (plugin/loader.h). Nothing else lists names.
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

#include "graph/contract.h"
#include "graph/node.h"
#include "graph/shape_inference.h"

namespace loom {

class Dataset;

struct NodeType {
  std::shared_ptr<void> keep;  // holds the library open; first, so that it goes last: the rest is the library's code
  std::string name;
  Contract contract;
  std::function<void(ShapeInference&)> infer;  // empty where patterns suffice
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

// What one plugin library registers; LOOM_NODE appends to its own library's list.
struct PluginTypes {
  std::vector<NodeType> nodes;
  std::vector<DatasetType> datasets;
};

class Registry {
 public:
  // Throws Error(plugin_duplicate) when a name is taken, unless `replace`.
  void add(NodeType type, bool replace = false);
  void add(DatasetType type, bool replace = false);
  std::shared_ptr<const NodeType> node(const std::string& name) const;        // null where unknown
  std::shared_ptr<const DatasetType> dataset(const std::string& name) const;  // null where unknown
  std::vector<std::string> node_names() const;                                // sorted
  std::vector<std::string> dataset_names() const;                             // sorted

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const NodeType>> nodes_;
  std::map<std::string, std::shared_ptr<const DatasetType>> datasets_;
};

namespace detail {

// One list a shared library: hidden, so that each library has its own.
__attribute__((visibility("hidden"))) inline PluginTypes& plugin_types() {
  static PluginTypes types;
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

#define LOOM_NODE(Type, name)                                 \
  [[maybe_unused]] static const bool loom_registered_##Type = \
      (::loom::detail::plugin_types().nodes.push_back(::loom::detail::make_node_type<Type>(name)), true);
#define LOOM_DATASET(Type, name)                              \
  [[maybe_unused]] static const bool loom_registered_##Type = \
      (::loom::detail::plugin_types().datasets.push_back(::loom::detail::make_dataset_type<Type>(name)), true);
