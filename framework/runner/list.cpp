// graph-runner list: node types by group, and data sets.
#include <filesystem>
#include <map>

#include "plugin/loader.h"
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

void list_json(const Registry& registry) {
  Json nodes = Json::array(), datasets = Json::array();
  for (const std::string& name : registry.node_names()) nodes.push_back(entry_of(*registry.node(name), "node"));
  for (const std::string& name : registry.dataset_names())
    datasets.push_back(entry_of(*registry.dataset(name), "dataset"));
  print_json({{"nodes", nodes}, {"datasets", datasets}});
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
  print("\ngraph-runner inspect NAME shows ports and options.\n");
}

}  // namespace

void add_list(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "list", "List the node types by group, and the data sets", "graph-runner list");
  auto reference = std::make_shared<bool>(false);
  verb->add_flag("--reference", *reference, "print the reference of all of them, as Markdown");
  add_json(verb, invocation);
  verb->callback([&invocation, reference] {
    invocation.action = [&invocation, reference] {
      const auto registry = load_standard_registry();
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

}  // namespace loom::runner
