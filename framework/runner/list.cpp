// graph-runner list: node types by group, then the types of every other kind.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "document/shipped_graphs.h"
#include "plugin/loader.h"
#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/reference.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

// "nodes" of "node"
std::string plural(const std::string& kind) { return kind + "s"; }

Json entry_of(const RegisteredType& type) {
  return {{"name", type.name},
          {"kind", type.kind},
          {"group", group_of(type.library)},
          {"summary", type.contract->summary()},
          {"source", type.contract->source()},
          {"library", type.library}};
}

// The types of the libraries that are loaded only by name, read without loading the libraries.
std::vector<PluginSummary> plugins_on_path(const Registry& registry) {
  std::vector<std::string> known = plugin_folders();
  std::vector<PluginSummary> plugins;
  for (const std::string& folder : search_folders()) {
    if (std::ranges::find(known, folder) != known.end()) continue;
    for (const std::string& file : libraries_in(folder)) {
      const auto loaded = [&](const LoadedLibrary& library) { return library.file == file; };
      const std::vector<LoadedLibrary> libraries = registry.libraries();
      if (std::ranges::none_of(libraries, loaded)) plugins.push_back(read_plugin(file));
    }
  }
  return plugins;
}

Json plugin_json(const PluginSummary& plugin) {
  Json json = {{"name", plugin.library.name},
               {"file", plugin.library.file},
               {"version", plugin.version},
               {"problem", plugin.problem}};
  for_each_kind([&]<class Type>() {
    const auto names = plugin.types.find(Type::kKind);
    json[plural(Type::kKind)] = names == plugin.types.end() ? Json::array() : Json(names->second);
  });
  return json;
}

void list_plugins(const Registry& registry) {
  const std::vector<PluginSummary> plugins = plugins_on_path(registry);
  if (plugins.empty()) return;
  print("plugins (plugins: [NAME] in a graph, or --plugin NAME)\n");
  for (const PluginSummary& plugin : plugins) {
    std::vector<std::string> types;
    for (const auto& [kind, names] : plugin.types) types.insert(types.end(), names.begin(), names.end());
    print("  {}  {}\n", plugin.library.name,
          plugin.problem.empty() ? fmt::format("{}", fmt::join(types, ", ")) : plugin.problem);
  }
}

void list_graphs() {
  const std::vector<ShippedGraph> graphs = shipped_graphs();
  if (graphs.empty()) return;
  print("graphs (graph-runner train NAME, or extends: NAME in a graph)\n");
  std::size_t width = 0;
  for (const ShippedGraph& graph : graphs) width = std::max(width, graph.name.size());
  for (const ShippedGraph& graph : graphs) print("  {:<{}}  {}\n", graph.name, width, graph.doc);
}

void list_json(const Registry& registry) {
  Json json = Json::object();
  for_each_kind([&]<class Type>() { json[plural(Type::kKind)] = Json::array(); });
  for (const RegisteredType& type : registry.types()) json[plural(type.kind)].push_back(entry_of(type));
  json["plugins"] = Json::array();
  for (const PluginSummary& plugin : plugins_on_path(registry)) json["plugins"].push_back(plugin_json(plugin));
  json["graphs"] = Json::array();
  for (const ShippedGraph& graph : shipped_graphs())
    json["graphs"].push_back({{"name", graph.name}, {"file", graph.file}, {"doc", graph.doc}});
  print_json(json);
}

void list_text(const Registry& registry) {
  const std::vector<RegisteredType> types = registry.types();
  std::size_t width = 0;
  std::map<std::string, std::vector<const RegisteredType*>> groups;  // groups of nodes
  std::vector<std::pair<std::string, std::vector<const RegisteredType*>>> kinds;
  for (const RegisteredType& type : types) {
    width = std::max(width, type.name.size());
    if (type.kind == NodeType::kKind) {
      groups[group_of(type.library)].push_back(&type);
      continue;
    }
    if (kinds.empty() || kinds.back().first != plural(type.kind)) kinds.push_back({plural(type.kind), {}});
    kinds.back().second.push_back(&type);
  }
  const auto print_group = [&](const std::string& title, const std::vector<const RegisteredType*>& list) {
    print("{}\n", title);
    for (const RegisteredType* type : list) print("  {:<{}}  {}\n", type->name, width, type->contract->summary());
  };
  for (const auto& [group, list] : groups) print_group(group, list);
  for (const auto& [kind, list] : kinds) print_group(kind == "datasets" ? "data sets" : kind, list);
  list_plugins(registry);
  list_graphs();
  print("\ngraph-runner inspect NAME shows ports and options.\n");
}

void add_list(CLI::App& app, Invocation& invocation) {
  Verb verb =
      add_verb(app, invocation, "list",
               "List the types of nodes, data sets, optimizers, schedules and metrics, the plugins and the graphs",
               "graph-runner list");
  auto reference = std::make_shared<bool>(false);
  verb.flag("--reference", *reference, "print the reference of all types, as Markdown");
  auto plugins = std::make_shared<std::vector<std::string>>();
  verb.plugins_flag(*plugins);
  verb.json_flag();
  verb.action([&invocation, reference, plugins] {
    const auto registry = registry_for({{}, *plugins});
    if (*reference)
      write_out(reference_text(*registry));
    else if (invocation.json)
      list_json(*registry);
    else
      list_text(*registry);
    return kOk;
  });
}
LOOM_VERB(100, add_list)

}  // namespace

}  // namespace loom::runner
