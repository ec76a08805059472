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
  const fs::path graphs = folder_of_graphs();
  if (graphs.empty()) return text;
  const fs::path file = graphs / (text + ".yaml");
  return fs::is_regular_file(file, ignored) ? file.string() : text;
}

std::vector<ShippedGraph> shipped_graphs() {
  std::vector<ShippedGraph> graphs;
  std::error_code ignored;
  const fs::path folder = folder_of_graphs();
  if (folder.empty()) return graphs;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string file = entry.path().string();
    if (entry.path().extension() == ".yaml") graphs.push_back({entry.path().stem().string(), file, doc_of(file)});
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
