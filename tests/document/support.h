// Documents from texts, and what to look at in them.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "document/document.h"

namespace loom::check {

// A folder of its own, gone with the object.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("latentloom-document-{}", static_cast<long>(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
};

inline const NodeEntry& node(const Document& document, const std::string& path) {
  for (const NodeEntry& entry : document.nodes) {
    if (entry.path == path) return entry;
  }
  throw std::runtime_error("no node " + path);
}

// "e/a.mu": what the k-th input of a node reads.
inline std::string source(const Document& document, const std::string& path, std::size_t input = 0, std::size_t k = 0) {
  const Reference& reference = node(document, path).inputs.at(input).sources.at(k);
  return reference.port.empty() ? reference.node : reference.node + "." + reference.port;
}

inline std::string option(const Document& document, const std::string& path, const std::string& name) {
  return node(document, path).options.at(name).value.text();
}

inline Document parse(const std::string& text, const std::vector<std::string>& sets = {}) {
  std::vector<Override> overrides;
  for (const std::string& set : sets) overrides.push_back(parse_override(set));
  return parse_document(text, "test.yaml", ".", overrides);
}

inline std::string failure(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace loom::check
