#include "plugin/loader.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "loom/error.h"
#include "plugin/compatibility.h"
#include "plugin/registries.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_library(ErrorCode code, const std::string& file, std::string message, std::string got,
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

using Library = std::shared_ptr<void>;

Library open(const std::string& file, const std::string& name, int binding) {
  if (!fs::exists(file))
    refuse_library(ErrorCode::plugin_not_found, name, "there is no such plugin library", "", "", "");
  void* handle = dlopen(fs::absolute(file).c_str(), binding | RTLD_LOCAL);
  if (handle != nullptr) return {handle, [](void* library) { dlclose(library); }};
  refuse_library(
      ErrorCode::plugin_invalid, name, "this library cannot be opened", dlerror(), "",
      "a missing symbol means that it was built with another SDK: build it again with the SDK of this installation");
}

const loom_plugin_descriptor& descriptor_of(const Library& library, const std::string& name) {
  auto* function = reinterpret_cast<loom_plugin_function>(dlsym(library.get(), kLoomPluginSymbol));
  if (function == nullptr) {
    refuse_library(ErrorCode::plugin_invalid, name, "this library is not a Latentloom plugin",
                   fmt::format("no symbol '{}'", kLoomPluginSymbol), "a library built with loom_add_plugin()", "");
  }
  const loom_plugin_descriptor* descriptor = function();
  if (descriptor == nullptr || descriptor->magic != kLoomPluginMagic)
    refuse_library(ErrorCode::plugin_invalid, name, "this library's plugin descriptor cannot be read", "", "", "");
  return *descriptor;
}

bool is_type_name(const std::string& name) {
  const auto good = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && std::ranges::all_of(name, good) && name.front() != '.' && name.back() != '.';
}

// A name that another library has, or that occurs twice in this one.
template <class Type>
void check_names(const Registry& registry, const std::vector<Type>& types, const std::string& library, bool replace) {
  std::set<std::string> own;
  for (const Type& type : types) {
    if (!is_type_name(type.name)) {
      refuse_library(ErrorCode::plugin_invalid, library,
                     "a type of this plugin has a name that a document cannot contain", type.name,
                     "letters, digits, '_', '-', and '.' after a prefix", "");
    }
    if (!own.insert(type.name).second) {
      refuse_library(ErrorCode::plugin_duplicate, library,
                     fmt::format("'{}' is registered twice in this library", type.name), "", "", "rename one of them");
    }
    const auto taken = replace ? nullptr : registry.find<Type>(type.name);
    if (!taken) continue;
    Diagnostic finding;
    finding.code = ErrorCode::plugin_duplicate;
    finding.where.file = library;
    finding.message = fmt::format("'{}' is registered by both {} and {}", type.name, taken->library, library);
    finding.hint = "rename one of them: a prefix, as in acme." + type.name + ", keeps names unique";
    finding.other.file = taken->library;
    finding.other_role = "the other library";
    throw Error(std::move(finding));
  }
}

template <class Type>
void add_all(Registry& registry, const std::vector<Type>& types, const std::string& name, const Library& library,
             bool replace) {
  for (Type type : types) {
    type.library = name;
    type.keep = library;
    registry.add(std::move(type), replace);
  }
}

}  // namespace

void load_plugin(Registry& registry, const std::string& file, bool replace, const std::string& shown_as) {
  const std::string& name = shown_as.empty() ? file : shown_as;
  {
    // Opened lazily first: a library of another build may lack functions and must be refused with the right error.
    const Library unbound = open(file, name, RTLD_LAZY);
    check_compatible(descriptor_of(unbound, name), name);
  }
  const Library library = open(file, name, RTLD_NOW);
  const auto* types = static_cast<const PluginTypes*>(descriptor_of(library, name).types());
  for_each_kind([&]<class Type>() { check_names(registry, std::get<std::vector<Type>>(*types), name, replace); });
  for_each_kind([&]<class Type>() { add_all(registry, std::get<std::vector<Type>>(*types), name, library, replace); });
  registry.add_library({library_name(name), name});
}

void load_plugin_folder(Registry& registry, const std::string& folder) {
  for (const std::string& file : libraries_in(folder)) load_plugin(registry, file);
}

std::unique_ptr<Registry> load_standard_registry() { return registry_for({}); }

PluginSummary read_plugin(const std::string& file) {
  PluginSummary summary;
  summary.library = {library_name(file), file};
  try {
    const Library library = open(file, file, RTLD_LAZY);
    const loom_plugin_descriptor& descriptor = descriptor_of(library, file);
    check_compatible(descriptor, file);
    summary.version = descriptor.version;
    for (const loom_plugin_type* type = descriptor.registered; type != nullptr; type = type->next)
      summary.types[type->kind].emplace_back(type->name);
    for (auto& [kind, names] : summary.types) std::ranges::sort(names);
  } catch (const Error& error) {
    summary.problem = error.what();
  }
  return summary;
}

}  // namespace loom
