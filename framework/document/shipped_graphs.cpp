#include "document/shipped_graphs.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "document/value.h"
#include "loom/error.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "share/latentloom/graphs";

// lib/x86_64-linux-gnu/libframework.so and bin/graph-runner have the folder one or two levels above theirs.
fs::path folder_of_graphs() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&folder_of_graphs), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  fs::path folder = fs::canonical(info.dli_fname, ignored).parent_path();
  for (int level = 0; level < 2; ++level) {
    folder = folder.parent_path();
    if (fs::is_directory(folder / kFolder, ignored)) return folder / kFolder;
  }
  return {};
}

// The folder and those in it, by name; blocks are parts of graphs.
std::vector<fs::path> shelves() {
  const fs::path folder = folder_of_graphs();
  if (folder.empty()) return {};
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored) && entry.path().filename() != "blocks") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  found.insert(found.begin(), folder);
  return found;
}

// Without reading the nodes.
std::string doc_of(const std::string& file) {
  Diagnostics ignored;
  const Value root = parse_yaml_file(file, {file, 0, 0}, ignored);
  const Value* doc = root.is_map() ? root.find("doc") : nullptr;
  return doc == nullptr ? "" : doc->scalar;
}

bool is_graph_name(const std::string& text) {
  return !text.empty() && text.find('/') == std::string::npos && !text.ends_with(".yaml") && !text.ends_with(".yml");
}

}  // namespace

std::string graph_file(const std::string& text) { return graph_file(text, ""); }

std::string graph_file(const std::string& text, const std::string& folder) {
  std::error_code ignored;
  if (!is_graph_name(text) || fs::exists(fs::path(folder) / text, ignored)) return text;
  for (const fs::path& shelf : shelves()) {
    const fs::path file = shelf / (text + ".yaml");
    if (fs::is_regular_file(file, ignored)) return file.string();
  }
  return text;
}

std::vector<ShippedGraph> shipped_graphs() {
  std::vector<ShippedGraph> graphs;
  std::error_code ignored;
  for (const fs::path& shelf : shelves()) {
    for (const auto& entry : fs::directory_iterator(shelf, ignored)) {
      const std::string file = entry.path().string();
      if (entry.path().extension() == ".yaml") graphs.push_back({entry.path().stem().string(), file, doc_of(file)});
    }
  }
  std::ranges::sort(graphs, {}, &ShippedGraph::name);
  return graphs;
}

std::string nearest_shipped_graph(const std::string& name) {
  if (!is_graph_name(name)) return "";
  std::vector<std::string> names;
  for (const ShippedGraph& graph : shipped_graphs()) names.push_back(graph.name);
  return nearest_name(name, names);
}

}  // namespace loom
