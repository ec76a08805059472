// graph-runner list: node types by group, and data sets.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "plugin/loader.h"
#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/reference.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

template <class Type>
Json entry_of(const Type& type, const char* kind) {
  return {{"name", type.name},
          {"kind", kind},
          {"group", group_of(type.library)},
          {"summary", type.contract.summary()},
          {"source", type.contract.source()},
          {"library", type.library}};
}

// Libraries on LOOM_PLUGIN_PATH: what they say they hold, read without loading them.
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

Json to_json(const PluginSummary& plugin) {
  return {{"name", plugin.library.name}, {"file", plugin.library.file}, {"version", plugin.version},
          {"nodes", plugin.nodes},       {"datasets", plugin.datasets}, {"problem", plugin.problem}};
}

void list_plugins(const Registry& registry) {
  const std::vector<PluginSummary> plugins = plugins_on_path(registry);
  if (plugins.empty()) return;
  print("plugins on LOOM_PLUGIN_PATH (plugins: [NAME] in a graph, or --plugin NAME)\n");
  for (const PluginSummary& plugin : plugins) {
    std::vector<std::string> types = plugin.nodes;
    types.insert(types.end(), plugin.datasets.begin(), plugin.datasets.end());
    print("  {}  {}\n", plugin.library.name,
          plugin.problem.empty() ? fmt::format("{}", fmt::join(types, ", ")) : plugin.problem);
  }
}

void list_json(const Registry& registry) {
  Json nodes = Json::array(), datasets = Json::array(), plugins = Json::array();
  for (const std::string& name : registry.node_names()) nodes.push_back(entry_of(*registry.node(name), "node"));
  for (const std::string& name : registry.dataset_names())
    datasets.push_back(entry_of(*registry.dataset(name), "dataset"));
  for (const PluginSummary& plugin : plugins_on_path(registry)) plugins.push_back(to_json(plugin));
  print_json({{"nodes", nodes}, {"datasets", datasets}, {"plugins", plugins}});
}

void list_text(const Registry& registry) {
  std::size_t width = 0;
  std::map<std::string, std::vector<std::shared_ptr<const NodeType>>> groups;
  for (const std::string& name : registry.node_names()) {
    const auto type = registry.node(name);
    groups[group_of(type->library)].push_back(type);
    width = std::max(width, name.size());
  }
  for (const std::string& name : registry.dataset_names()) width = std::max(width, name.size());
  for (const auto& [group, types] : groups) {
    print("{}\n", group);
    for (const auto& type : types) print("  {:<{}}  {}\n", type->name, width, type->contract.summary());
  }
  print("data sets\n");
  for (const std::string& name : registry.dataset_names())
    print("  {:<{}}  {}\n", name, width, registry.dataset(name)->contract.summary());
  list_plugins(registry);
  print("\ngraph-runner inspect NAME shows ports and options.\n");
}

void add_list(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "list", "List the node types by group, and the data sets", "graph-runner list");
  auto reference = std::make_shared<bool>(false);
  verb->add_flag("--reference", *reference, "print the reference of all of them, as Markdown");
  auto plugins = std::make_shared<std::vector<std::string>>();
  add_plugins(verb, *plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, reference, plugins] {
    invocation.action = [&invocation, reference, plugins] {
      const auto registry = registry_for({{}, *plugins});
      if (*reference)
        write_out(reference_text(*registry));
      else if (invocation.json)
        list_json(*registry);
      else
        list_text(*registry);
      return kOk;
    };
  });
}
LOOM_VERB(100, add_list)

}  // namespace

}  // namespace loom::runner
