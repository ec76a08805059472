#include "plugin/registries.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <mutex>

#include "loom/metric.h"
#include "plugin/loader.h"
#include "plugin/search_path.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

bool names_a_file(const std::string& text) { return text.find('/') != std::string::npos || text.ends_with(".so"); }

// Plugins whose types are standard ones since: a graph that names one of them is right as it stands.
constexpr std::array kStandardSince = {"finite_scalar", "gumbel_softmax", "hyperspherical", "squeeze_excitation"};

// Libraries by their file: a library that is requested twice is loaded once.
class Libraries {
 public:
  void add(const std::string& file) {
    std::error_code ignored;
    const fs::path canonical = fs::weakly_canonical(file, ignored);
    const std::string key = ignored ? file : canonical.string();
    if (std::ranges::find(keys_, key) != keys_.end()) return;
    keys_.push_back(key);
    list_.push_back({library_name(file), file});
  }
  bool has(const std::string& name) const {
    return std::ranges::any_of(list_, [&](const LoadedLibrary& library) { return library.name == name; });
  }
  std::vector<LoadedLibrary> take() { return std::move(list_); }

 private:
  std::vector<std::string> keys_;
  std::vector<LoadedLibrary> list_;
};

void not_found(const std::string& name, const Location& where, Diagnostics& diagnostics) {
  const std::vector<std::string> folders = search_folders();
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    for (const std::string& file : libraries_in(folder)) names.push_back(library_name(file));
  }
  Diagnostic& finding = diagnostics.add(ErrorCode::plugin_not_found, where,
                                        fmt::format("there is no plugin '{}' on the search path", name));
  finding.expected = fmt::format("lib{0}.so or {0}.so in one of {1}", name, fmt::join(folders, ", "));
  finding.suggestion = nearest_name(name, names);
  finding.hint = "LOOM_PLUGIN_PATH adds folders; --plugin FILE loads a file";
}

void bad_name(const PluginEntry& entry, Diagnostics& diagnostics) {
  Diagnostic& finding =
      diagnostics.add(ErrorCode::plugin_path, entry.where, "a plugin is requested by name, not by a path");
  finding.got = entry.name;
  finding.expected = "letters, digits, '_' and '-'";
  finding.hint = "--plugin FILE on the command line loads a file";
}

void add_named(const PluginEntry& entry, Libraries& libraries, Diagnostics& diagnostics) {
  if (!is_plugin_name(entry.name)) return bad_name(entry, diagnostics);
  if (libraries.has(entry.name)) return;
  const std::string file = find_library(entry.name);
  if (file.empty() && std::ranges::find(kStandardSince, entry.name) != kStandardSince.end()) return;
  if (file.empty())
    not_found(entry.name, entry.where, diagnostics);
  else
    libraries.add(file);
}

}  // namespace

std::vector<LoadedLibrary> libraries_for(const RegistryRequest& request) {
  Libraries libraries;
  Diagnostics diagnostics;
  for (const std::string& folder : plugin_folders()) {
    for (const std::string& file : libraries_in(folder)) libraries.add(file);
  }
  for (const std::string& text : request.given) {
    if (names_a_file(text))
      libraries.add(text);
    else
      add_named({text, {"--plugin", 0, 0}}, libraries, diagnostics);
  }
  for (const PluginEntry& entry : request.named) add_named(entry, libraries, diagnostics);
  diagnostics.throw_if_any();
  return libraries.take();
}

std::unique_ptr<Registry> own_types() {
  auto registry = std::make_unique<Registry>();
  PluginTypes types = detail::collect(detail::registered_types());
  for (MetricType& metric : std::get<std::vector<MetricType>>(types)) {
    metric.library = "latentloom";
    registry->add(std::move(metric));
  }
  return registry;
}

std::unique_ptr<Registry> registry_of(const std::vector<LoadedLibrary>& libraries,
                                      const std::map<std::string, std::string>& substitutes) {
  static std::mutex opening;  // a library adds its types to global lists while it is opened
  const std::lock_guard lock(opening);
  auto registry = own_types();
  for (const LoadedLibrary& library : libraries) {
    const auto other = substitutes.find(library.file);
    if (other == substitutes.end())
      load_plugin(*registry, library.file);
    else
      load_plugin(*registry, other->second, false, library.file);
  }
  return registry;
}

std::unique_ptr<Registry> registry_for(const RegistryRequest& request) {
  auto registry = registry_of(libraries_for(request));
  if (!registry->node_names().empty()) return registry;
  const std::vector<std::string> folders = plugin_folders();
  Diagnostic finding;
  finding.code = ErrorCode::plugin_not_found;
  finding.where.file = folders.empty() ? "LATENTLOOM_PLUGINS" : folders.front();
  finding.message = "no node plugins were found";
  finding.expected = "lib*.so";
  finding.hint = "if LATENTLOOM_PLUGINS is set, it must name the folder of the standard nodes";
  throw Error(std::move(finding));
}

std::string plugin_with_type(const std::string& type) {
  const std::vector<std::string> loaded = plugin_folders();
  for (const std::string& folder : search_folders()) {
    if (std::ranges::find(loaded, folder) != loaded.end()) continue;
    for (const std::string& file : libraries_in(folder)) {
      const PluginSummary summary = read_plugin(file);
      for (const auto& [kind, names] : summary.types) {
        if (std::ranges::find(names, type) != names.end()) return summary.library.name;
      }
    }
  }
  return "";
}

}  // namespace loom
