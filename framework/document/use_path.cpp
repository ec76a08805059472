#include "document/use_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "document/file_keys.h"
#include "document/section.h"

namespace loom {

namespace fs = std::filesystem;

namespace {

constexpr int kMaxUses = 16;  // blocks inside blocks

}  // namespace

bool may_use(const Value& use, const std::string& path, const Scope& outer, Diagnostics& diagnostics, const char* key) {
  if (use.kind != Value::Kind::scalar || use.broken) {
    wrong_type(use, key, "the path of a block or of a graph", diagnostics);
    return false;
  }
  const auto& files = outer.files;
  if (const auto again = std::find(files.begin(), files.end(), path); again != files.end()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::extends_cycle, use.where, "the files use each other in a cycle");
    for (auto it = again; it != files.end(); ++it) finding.got += fs::path(*it).filename().string() + " -> ";
    finding.got += fs::path(path).filename().string();
    finding.expected = "blocks and graphs that do not use themselves";
    return false;
  }
  if (static_cast<int>(files.size()) < kMaxUses) return true;
  diagnostics.add(ErrorCode::document_too_deep, use.where, "blocks are nested too deeply").expected =
      fmt::format("at most {} levels", kMaxUses);
  return false;
}

std::string path_from_here(const Value& path, const Scope& scope) {
  const bool here = path.where.file == scope.file || path.where.file.starts_with("--set");
  const fs::path directory = here ? fs::path(scope.directory) : fs::path(path.where.file).parent_path();
  return (directory / path.scalar).lexically_normal().string();
}

std::string used_path(const Value& use, const Scope& scope) {
  const std::string path = path_from_here(use, scope);
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? (fs::path(path) / "graph.yaml").lexically_normal().string() : path;
}

bool is_whole_graph(const Value& root) {
  return std::ranges::any_of(root.members, [](const Member& member) { return is_document_key(member.key); });
}

bool is_weight_path(const std::string& text, const std::string& name, bool graph, const Scope& scope) {
  const std::string first = text.substr(0, text.find('/'));
  if (text.empty() || (first != name && scope.names.count(first) > 0)) return false;
  std::error_code ignored;
  return graph || text.find('/') != std::string::npos || text.ends_with(".safetensors") ||
         fs::is_regular_file(fs::path(scope.directory) / text / "run.json", ignored);
}

std::vector<std::pair<std::string, std::string>> read_rename(const Value* value, Diagnostics& diagnostics) {
  std::vector<std::pair<std::string, std::string>> names;
  if (value == nullptr) return names;
  if (!value->is_map())
    wrong_type(*value, "rename", "a map from names in the file to nodes: {\"features.0\": conv1}", diagnostics);
  for (const Member& name : value->members) {
    if (name.value.kind == Value::Kind::scalar)
      names.emplace_back(name.key, name.value.scalar);
    else
      wrong_type(name.value, "rename." + name.key, "the path of a node", diagnostics);
  }
  return names;
}

void refuse_rename(const Value* value, Diagnostics& diagnostics) {
  if (value == nullptr) return;
  diagnostics.add(ErrorCode::unknown_key, value->where, "`rename` needs the weights of a file").expected =
      "weights: PATH, of a run or a safetensors file, beside it";
}

}  // namespace loom
