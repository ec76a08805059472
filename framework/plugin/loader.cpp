#include "plugin/loader.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "plugin/descriptor.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(ErrorCode code, const std::string& file, std::string message, std::string got,
                         std::string expected, std::string hint) {
  Diagnostic finding;
  finding.code = code;
  finding.where.file = file;
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  finding.hint = std::move(hint);
  throw Error(std::move(finding));
}

const loom_plugin_descriptor& checked_descriptor(void* handle, const std::string& file) {
  auto* function = reinterpret_cast<loom_plugin_function>(dlsym(handle, kLoomPluginSymbol));
  if (function == nullptr) {
    refuse(ErrorCode::plugin_invalid, file, "this library is not a Latentloom plugin",
           fmt::format("no symbol '{}'", kLoomPluginSymbol), "a library built with loom_add_plugin()", "");
  }
  const loom_plugin_descriptor* descriptor = function();
  if (descriptor == nullptr || descriptor->magic != kLoomPluginMagic) {
    refuse(ErrorCode::plugin_invalid, file, "this library's plugin descriptor cannot be read", "", "", "");
  }
  if (std::string_view(descriptor->build_stamp) != LOOM_BUILD_STAMP) {
    refuse(ErrorCode::plugin_mismatch, file, "this plugin was built against another Latentloom",
           descriptor->build_stamp, LOOM_BUILD_STAMP, "build it again with the SDK of this installation");
  }
  return *descriptor;
}

std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  std::error_code ignored;
  const fs::path path = fs::canonical(info.dli_fname, ignored);
  return ignored ? fs::path(info.dli_fname).parent_path().string() : path.parent_path().string();
}

}  // namespace

void load_plugin(Registry& registry, const std::string& file, bool replace, const std::string& shown_as) {
  const std::string& name = shown_as.empty() ? file : shown_as;
  if (!fs::exists(file)) refuse(ErrorCode::plugin_not_found, name, "there is no such plugin library", "", "", "");
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) refuse(ErrorCode::plugin_invalid, name, "this library cannot be opened", dlerror(), "", "");
  const std::shared_ptr<void> keep(handle, [](void* library) { dlclose(library); });
  const loom_plugin_descriptor& descriptor = checked_descriptor(handle, name);
  PluginTypes* types = descriptor.types();
  if (!replace) {
    for (const NodeType& type : types->nodes) {
      if (const auto taken = registry.node(type.name)) {
        refuse(ErrorCode::plugin_duplicate, name, fmt::format("the node type '{}' is taken", type.name), "", "",
               "it comes from " + taken->library);
      }
    }
  }
  for (NodeType type : types->nodes) {
    type.library = name;
    type.keep = keep;
    registry.add(std::move(type), replace);
  }
  for (DatasetType type : types->datasets) {
    type.library = name;
    type.keep = keep;
    registry.add(std::move(type), replace);
  }
}

void load_plugin_folder(Registry& registry, const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) load_plugin(registry, file);
}

std::vector<std::string> plugin_folders() {
  std::vector<std::string> folders;
  if (const char* listed = std::getenv("LATENTLOOM_PLUGINS")) {
    std::string_view rest = listed;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
    return folders;
  }
  return {own_folder() + "/latentloom/plugins"};
}

std::unique_ptr<Registry> load_standard_registry() {
  auto registry = std::make_unique<Registry>();
  for (const std::string& folder : plugin_folders()) load_plugin_folder(*registry, folder);
  if (registry->node_names().empty()) {
    refuse(ErrorCode::plugin_not_found, plugin_folders().empty() ? "" : plugin_folders().front(),
           "no node plugins were found", "", "lib*.so", "set LATENTLOOM_PLUGINS to the folder that holds them");
  }
  return registry;
}

}  // namespace loom
