#include "document/use_path.h"

#include <algorithm>
#include <filesystem>

#include "document/file_keys.h"

namespace loom {

namespace fs = std::filesystem;

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
  return graph || text.find('/') != std::string::npos || text.ends_with(".safetensors");
}

}  // namespace loom
