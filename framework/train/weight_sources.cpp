#include "train/weight_sources.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

#include "io/safetensors.h"
#include "loom/error.h"
#include "train/checkpoint.h"
#include "train/objectives.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr int kNamed = 3;  // parameters that a diagnostic names

// The file behind a path; throws run_not_found or checkpoint_corrupt.
std::string file_of(const WeightSource& source) {
  std::error_code ignored;
  if (is_run_folder(source.path)) return find_checkpoint(source.path + "/checkpoints", true);
  if (fs::is_regular_file(source.path, ignored)) return source.path;
  Diagnostic finding;
  finding.code = ErrorCode::run_not_found;
  finding.message = fs::exists(source.path, ignored) ? "this folder is not a run: it has no run.json"
                                                     : "there is no such run or file of weights";
  finding.got = source.path;
  finding.expected = "the folder of a run, or a safetensors file";
  std::vector<std::string> names;
  const fs::path parent = fs::path(source.path).parent_path();
  for (const fs::directory_entry& entry : fs::directory_iterator(parent.empty() ? "." : parent, ignored))
    names.push_back((parent / entry.path().filename()).string());
  if (!fs::exists(source.path, ignored)) finding.suggestion = nearest_name(source.path, names);
  finding.hint = "a relative path is relative to the file that contains it";
  throw Error(std::move(finding));
}

// "average/..." if the file has moving averages, as in every other use of a run's weights.
std::string stored_name(const SafetensorsFile& file, const std::string& path) {
  const std::string average = "average/" + path;
  return file.entries().count(average) > 0 ? average : path;
}

bool ends_name(const std::string& text, std::size_t at) {
  return at == text.size() || text[at] == '.' || text[at] == '/';
}

// The name in the file of a parameter behind the prefix: renamed; and of a part of a run, also by its whole path.
std::string name_in(const SafetensorsFile& file, const WeightSource& source, const std::string& path) {
  std::string inner = path.substr(source.prefix.size());
  const std::pair<std::string, std::string>* longest = nullptr;
  for (const auto& name : source.rename) {
    const bool matches = inner.starts_with(name.second) && ends_name(inner, name.second.size());
    if (matches && (longest == nullptr || name.second.size() > longest->second.size())) longest = &name;
  }
  if (longest != nullptr) inner = longest->first + inner.substr(longest->second.size());
  const bool has_inner = file.entries().contains(inner), has_path = file.entries().contains(path);
  return stored_name(file, !has_inner && has_path ? path : inner);
}

// The losses' own parameters (a learned sigma) lie outside of the used graph: those of the same name and shape.
bool is_of_loss(const SafetensorsFile& file, const Parameter& item) {
  return item.path.starts_with("losses/") && file.has_shape(stored_name(file, item.path), item.shape);
}

void check_fit(const Document& document, const WeightSource& source, const SafetensorsFile& file,
               const ParameterStore& store, Diagnostics& diagnostics) {
  std::string got, expected;
  int wrong = 0, all = 0;
  for (const Parameter& item : store.items()) {
    if (!item.path.starts_with(source.prefix) || starts_anew(document.train, item.path)) continue;
    ++all;
    const std::string stored = name_in(file, source, item.path);
    if (file.has_shape(stored, item.shape)) continue;
    if (++wrong > kNamed) continue;
    const auto entry = file.entries().find(stored);
    const char* comma = wrong > 1 ? ", " : "";
    got += fmt::format("{}{} {}", comma, stored, entry == file.entries().end() ? "missing" : entry->second.text());
    expected += fmt::format("{}{} {}", comma, stored, item.shape.text());
  }
  if (wrong == 0) return;
  const std::string nodes = source.prefix.substr(0, source.prefix.size() - 1);
  Diagnostic& finding = diagnostics.add(
      ErrorCode::checkpoint_mismatch, source.where,
      fmt::format("these weights do not fit '{}': {} of its {} parameters and states", nodes, wrong, all));
  finding.got = got + (wrong > kNamed ? ", ..." : "");
  finding.expected = expected + (wrong > kNamed ? ", ..." : "");
  finding.other = {file.path(), 0, 0};
  finding.other_role = "the weights";
  finding.hint =
      "use the graph that was trained, with the same vars; train.reinitialise: [PATTERN] lets parameters start anew, "
      "and "
      "rename maps names in the file to nodes";
}

// Calls `use` with each file that fits.
template <class Use>
void for_each_file(const Document& document, const ParameterStore& store, Diagnostics& diagnostics, Use&& use) {
  for (const WeightSource& source : document.weight_sources) {
    try {
      const SafetensorsFile file(file_of(source));
      file.verify();
      const std::size_t before = diagnostics.size();
      check_fit(document, source, file, store, diagnostics);
      if (diagnostics.size() == before) use(source, file);
    } catch (const Error& error) {
      std::vector<Diagnostic> findings = error.diagnostics();
      for (Diagnostic& finding : findings) {
        if (finding.where.known()) {
          finding.other = finding.where;
          finding.other_role = "the weights";
        }
        finding.where = source.where;
      }
      diagnostics.add(Error(std::move(findings)));
    }
  }
}

}  // namespace

bool starts_anew(const TrainEntry& train, const std::string& parameter) {
  return std::ranges::any_of(train.reinitialise,
                             [&](const std::string& pattern) { return matches_pattern(pattern, parameter); });
}

void check_weight_sources(const Document& document, const ParameterStore& store, Diagnostics& diagnostics) {
  for_each_file(document, store, diagnostics, [](const WeightSource&, const SafetensorsFile&) {});
}

std::vector<LoadedWeights> load_weight_sources(const Document& document, ParameterStore& store) {
  std::vector<LoadedWeights> loaded;
  Diagnostics diagnostics;
  for_each_file(document, store, diagnostics, [&](const WeightSource& source, const SafetensorsFile& file) {
    for (Parameter& item : store.items()) {
      if (item.path.starts_with(source.prefix)) {
        if (!starts_anew(document.train, item.path)) file.read(name_in(file, source, item.path), item.value.view());
      } else if (is_of_loss(file, item) && !starts_anew(document.train, item.path)) {
        file.read(stored_name(file, item.path), item.value.view());
        spdlog::info("{} starts with its value in {}", item.path, file.path());
      }
    }
    const std::string hash = file.has_checksum() ? file.metadata().at("checksum") : "";
    loaded.push_back({source.prefix, fs::absolute(file.path()).lexically_normal().string(), hash});
  });
  diagnostics.throw_if_any();
  if (!loaded.empty()) store.touch();
  return loaded;
}

}  // namespace loom
