#include "plugin/search_path.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace loom {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_of(const char* variable) {
  std::vector<std::string> folders;
  const char* const listed = std::getenv(variable);
  std::string_view rest = listed != nullptr ? listed : "";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return folders;
}

std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  std::error_code ignored;
  const fs::path path = fs::canonical(info.dli_fname, ignored);
  return ignored ? fs::path(info.dli_fname).parent_path().string() : path.parent_path().string();
}

}  // namespace

std::vector<std::string> plugin_folders() {
  if (std::getenv("LATENTLOOM_PLUGINS") != nullptr) return folders_of("LATENTLOOM_PLUGINS");
  return {own_folder() + "/latentloom/plugins"};
}

std::vector<std::string> search_folders() {
  std::vector<std::string> folders = folders_of("LOOM_PLUGIN_PATH");
  for (const std::string& folder : plugin_folders()) {
    folders.push_back(folder);
    folders.push_back(folder + "/optional");
  }
  return folders;
}

bool is_plugin_name(std::string_view text) {
  const auto allowed = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, allowed);
}

std::string library_name(const std::string& file) {
  const std::string stem = fs::path(file).stem().string();
  return stem.starts_with("lib") && stem.size() > 3 ? stem.substr(3) : stem;
}

std::vector<std::string> libraries_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

std::string find_library(const std::string& name) {
  if (!is_plugin_name(name)) return "";
  for (const std::string& folder : search_folders()) {
    for (const char* prefix : {"lib", ""}) {
      const fs::path file = fs::path(folder) / (prefix + name + ".so");
      std::error_code ignored;
      if (fs::exists(file, ignored)) return file.string();
    }
  }
  return "";
}

}  // namespace loom
