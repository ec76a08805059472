// The types that a process knows, by kind and name: nodes, data sets, optimizers, schedules, metrics.
//
// LOOM_NODE, LOOM_DATASET, LOOM_OPTIMIZER, LOOM_SCHEDULE or LOOM_METRIC registers a type in its own file. The type is
// linked into the list of its plugin library and added to the Registry when the library is loaded. There is no other
// list of names.
//
// Ownership: a type holds its library open as long as anything uses it. Thread safety: add() locks; lookups return
// shared pointers, so a type may be replaced while programs that use the old one run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "loom/abi.h"
#include "loom/contract.h"
#include "loom/shape_inference.h"

namespace loom {

class Dataset;
class Metric;
class Node;
class Optimizer;
class Schedule;

// The members of every registered type. The contract declares what each kind needs: options for all kinds, ports for
// nodes; columns, as outputs, for data sets; inputs and values for metrics.
template <class Product>
struct PluginType {
  std::shared_ptr<void> keep;  // holds the library open; declared first to be destroyed last, after the library's code
  std::string name;
  Contract contract;
  std::function<std::unique_ptr<Product>(const Options&)> create;
  std::string library;  // the file it came from
};

struct NodeType : PluginType<Node> {
  static constexpr const char* kKind = "node";
  std::function<void(ShapeInference&)> infer;  // empty if patterns suffice
  // Of a type whose ports follow from the options and the names of the inputs (a formula): declares those of one node.
  // Throws Error about options that do not make sense; Diagnostic::option says which one. Empty for other types.
  std::function<void(Contract&, const PortChoice&)> ports;

  // The type with the ports of one node; `type` itself where they are those of all its nodes.
  static std::shared_ptr<const NodeType> with_ports(const std::shared_ptr<const NodeType>& type,
                                                    const PortChoice& choice);
};
struct DatasetType : PluginType<Dataset> {
  static constexpr const char* kKind = "dataset";
};
struct OptimizerType : PluginType<Optimizer> {
  static constexpr const char* kKind = "optimizer";
};
struct ScheduleType : PluginType<Schedule> {
  static constexpr const char* kKind = "schedule";
};

struct MetricType : PluginType<Metric> {
  static constexpr const char* kKind = "metric";
};

// Every kind. A new kind needs a struct above, a word here, and one in graph/registry.cpp.
template <template <class...> class List>
using EveryKind = List<NodeType, DatasetType, OptimizerType, ScheduleType, MetricType>;

namespace detail {
template <class... Types>
struct ForEachKind {
  template <class Function>
  static void call(const Function& f) {
    (f.template operator()<Types>(), ...);
  }
};
template <class... Types>
using TypeLists = std::tuple<std::vector<Types>...>;
template <class Type>
using TypeMap = std::map<std::string, std::shared_ptr<const Type>>;
template <class... Types>
using TypeMaps = std::tuple<TypeMap<Types>...>;
}  // namespace detail

// for_each_kind([&]<class Type>() { ... });
template <class Function>
void for_each_kind(const Function& f) {
  EveryKind<detail::ForEachKind>::call(f);
}

// The contents of one plugin library: one vector of types per kind.
using PluginTypes = EveryKind<detail::TypeLists>;

// A type of any kind: the members that all kinds have.
struct RegisteredType {
  std::string kind, name;
  std::shared_ptr<const Contract> contract;  // keeps the type
  std::string library;
};

// A loaded plugin library, as named in messages.
struct LoadedLibrary {
  std::string name;  // the name by which a document requests it: "huber" for libhuber.so
  std::string file;
};

class Registry {
 public:
  // Throws Error(plugin_duplicate) if a type of this kind already has the name, unless `replace`.
  template <class Type>
  void add(Type type, bool replace = false);
  template <class Type>
  std::shared_ptr<const Type> find(const std::string& name) const;  // null if unknown
  template <class Type>
  std::vector<std::string> names() const;  // sorted

  std::shared_ptr<const NodeType> node(const std::string& name) const { return find<NodeType>(name); }
  std::shared_ptr<const DatasetType> dataset(const std::string& name) const { return find<DatasetType>(name); }
  std::vector<std::string> node_names() const { return names<NodeType>(); }
  std::vector<std::string> dataset_names() const { return names<DatasetType>(); }
  // All types: kinds in the order of EveryKind, names sorted.
  std::vector<RegisteredType> types() const;
  // The libraries that were loaded into it, in order. A file is listed once, even if it was replaced.
  void add_library(LoadedLibrary library);
  std::vector<LoadedLibrary> libraries() const;

 private:
  template <class Type>
  detail::TypeMap<Type>& map() {
    return std::get<detail::TypeMap<Type>>(types_);
  }
  template <class Type>
  const detail::TypeMap<Type>& map() const {
    return std::get<detail::TypeMap<Type>>(types_);
  }

  mutable std::mutex mutex_;
  EveryKind<detail::TypeMaps> types_;
  std::vector<LoadedLibrary> libraries_;
};

// Loads one plugin library. Types are added only if the whole library is accepted. Messages and NodeType::library use
// the name `shown_as` if it is given: a private copy of a file is shown under the name of the original.
// Errors: plugin_not_found, plugin_invalid (no descriptor), plugin_mismatch (another build), plugin_duplicate.
void load_plugin(Registry& registry, const std::string& file, bool replace = false, const std::string& shown_as = "");

namespace detail {

// One LOOM_NODE, LOOM_DATASET, ... While a library is opened, these are only linked into a list. The types are made
// after the host has found that it may call the library (plugin/compatibility.h).
struct Registration {
  loom_plugin_type type;  // first, so that a pointer to it is a pointer to the Registration
  void (*add)(PluginTypes& types, std::string name);
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
  for (const loom_plugin_type* type = newest; type != nullptr; type = type->next)
    reinterpret_cast<const Registration*>(type)->add(types, type->name);
  return types;
}

template <class Type, class T>
Type make_type(std::string name) {
  Type type;
  type.name = std::move(name);
  T::declare(type.contract);
  if constexpr (std::is_same_v<Type, NodeType> && requires(ShapeInference & s) { T::infer(s); })
    type.infer = [](ShapeInference& s) { T::infer(s); };
  if constexpr (std::is_same_v<Type, NodeType> &&
                requires(Contract & c, const PortChoice& choice) { T::ports(c, choice); })
    type.ports = [](Contract& c, const PortChoice& choice) { T::ports(c, choice); };
  type.create = [](const Options& options) {
    return typename decltype(type.create)::result_type(std::make_unique<T>(options));
  };
  return type;
}

template <class Type, class T>
void add_type(PluginTypes& types, std::string name) {
  std::get<std::vector<Type>>(types).push_back(make_type<Type, T>(std::move(name)));
}

}  // namespace detail
}  // namespace loom

#define LOOM_REGISTER_(Kind, Type, name)                                                                       \
  static ::loom::detail::Registration loom_registration_##Type{{name, ::loom::Kind::kKind, nullptr},           \
                                                               &::loom::detail::add_type<::loom::Kind, Type>}; \
  [[maybe_unused]] static const bool loom_registered_##Type = ::loom::detail::link_type(loom_registration_##Type);

// The name may have the author's prefix: "acme.huber".
#define LOOM_NODE(Type, name) LOOM_REGISTER_(NodeType, Type, name)
#define LOOM_DATASET(Type, name) LOOM_REGISTER_(DatasetType, Type, name)
#define LOOM_OPTIMIZER(Type, name) LOOM_REGISTER_(OptimizerType, Type, name)
#define LOOM_SCHEDULE(Type, name) LOOM_REGISTER_(ScheduleType, Type, name)
#define LOOM_METRIC(Type, name) LOOM_REGISTER_(MetricType, Type, name)
