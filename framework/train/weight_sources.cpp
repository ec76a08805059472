#include "train/weight_sources.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/pattern.h"
#include "io/safetensors.h"
#include "loom/error.h"
#include "train/checkpoint.h"
#include "train/effective_weight.h"
#include "train/objectives.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr int kNamed = 3;              // parameters that a diagnostic names
constexpr std::ptrdiff_t kListed = 6;  // names in a list
constexpr std::string_view kAverage = "average/";

// The file behind a path; throws run_not_found or checkpoint_corrupt.
std::string file_of(const WeightSource& source, bool best = true) {
  std::error_code ignored;
  if (is_run_folder(source.path)) return find_checkpoint(source.path + "/checkpoints", best);
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
  if (source.where.line > 0) finding.hint = "a relative path is relative to the file that contains it";
  throw Error(std::move(finding));
}

// "average/..." if the file has moving averages, as in every other use of a run's weights.
std::string stored_name(const SafetensorsFile& file, const std::string& path) {
  const std::string average = std::string(kAverage) + path;
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

// What a file has for a graph, and what it does not have.
struct Fit {
  std::vector<std::pair<int, std::string>> taken;  // a parameter's index, and its name in the file
  std::vector<std::string> other, missing, anew;   // other: of another shape or type, with both
  std::vector<std::string> unused;                 // of the file
  std::vector<std::string> normalised;             // weights that their layer had normalised
  int averages = 0;
  std::size_t all() const { return taken.size() + other.size() + missing.size() + anew.size(); }
};

bool is_number(const std::string& dtype) {
  return dtype == "F64" || dtype == "F32" || dtype == "F16" || dtype == "BF16";
}

Fit fit_of(const WeightSource& source, const SafetensorsFile& file, const TrainEntry& train,
           const ParameterStore& store) {
  Fit fit;
  std::set<std::string> used;
  for (std::size_t i = 0; i < store.items().size(); ++i) {
    const Parameter& item = store.items()[i];
    const std::string stored = name_in(file, source, item.path);
    const auto entry = file.entries().find(stored);
    if (starts_anew(train, item.path)) {
      fit.anew.push_back(item.path);
    } else if (entry == file.entries().end()) {
      fit.missing.push_back(item.path);
    } else if (!file.has_shape(stored, item.shape) || !is_number(entry->second.dtype)) {
      fit.other.push_back(fmt::format("{} {} has {} in the file", item.path, item.shape.text(), entry->second.text()));
    } else {
      fit.taken.emplace_back(static_cast<int>(i), stored);
      if (stored.starts_with(kAverage)) ++fit.averages;
    }
    used.insert(stored.starts_with(kAverage) ? stored.substr(kAverage.size()) : stored);
  }
  for (const auto& [name, entry] : file.entries()) {
    const bool of_training = name.starts_with(kAverage) || name.starts_with("optimizer/") || name.starts_with("aside/");
    if (!of_training && !used.contains(name)) fit.unused.push_back(name);
  }
  return fit;
}

// The first names, and how many there are in all.
std::string listed(const std::vector<std::string>& names, std::string_view between = ", ") {
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + std::min<std::ptrdiff_t>(kListed, std::ssize(names)));
  std::string text = fmt::format("{}", fmt::join(first, between));
  if (first.size() < names.size()) text += fmt::format("{}and {} more", between, names.size() - first.size());
  return text;
}

std::vector<std::string> lines_of(const Fit& fit, const SafetensorsFile& file, std::int64_t step) {
  std::string of = step >= 0 ? fmt::format(" (step {}", step) : "";
  if (step >= 0) of += fit.averages > 0 ? ", moving averages)" : ")";
  std::vector<std::string> lines = {
      fmt::format("loaded {} of {} parameters from {}{}", fit.taken.size(), fit.all(), file.path(), of)};
  if (!fit.other.empty()) lines.push_back(fmt::format("of another shape: {}", listed(fit.other, "; ")));
  if (!fit.missing.empty()) lines.push_back(fmt::format("not in the file: {}", listed(fit.missing)));
  if (!fit.anew.empty()) lines.push_back(fmt::format("start anew (train.reinitialise): {}", listed(fit.anew)));
  if (!fit.normalised.empty())
    lines.push_back(fmt::format("as they were normalised there: {}", listed(fit.normalised)));
  if (!fit.unused.empty()) lines.push_back(fmt::format("in the file and not used: {}", listed(fit.unused)));
  return lines;
}

// Weights whose layers had a norm there, and have none or another one here, are those that the layers used. Their paths; the
// names in the file of what says how are added to `read`.
std::vector<std::string> take_norms(const WeightSource& source, const SafetensorsFile& file, const Graph& graph,
                                    ParameterStore& store, const std::set<int>& taken, std::set<std::string>& read) {
  const auto stored = [&](const std::string& path) {
    const std::string name = name_in(file, source, path);
    const auto entry = file.entries().find(name);
    if (entry == file.entries().end() || !is_number(entry->second.dtype) || entry->second.extents.size() != 1)
      return std::vector<float>();
    Tensor values(DType::f32, Shape(entry->second.extents));
    file.read(name, values.view());
    read.insert(name.starts_with(kAverage) ? name.substr(kAverage.size()) : name);
    return std::vector<float>(values.values().begin(), values.values().end());
  };
  std::vector<std::string> changed;
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& weight : node.parameters) {
      const int index = store.find(weight.path);
      if (!node.owns(weight) || !taken.contains(index)) continue;
      if (!make_effective(node, weight, stored, store.at(index).value.values()).empty()) changed.push_back(weight.path);
    }
  }
  return changed;
}

std::vector<std::string> paths_of(const ParameterStore& store) {
  std::vector<std::string> paths;
  for (const Parameter& item : store.items()) paths.push_back(item.path);
  return paths;
}

std::vector<std::string> stored_names(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : file.entries()) {
    if (!name.starts_with(kAverage) && !name.starts_with("optimizer/")) names.push_back(name);
  }
  return names;
}

Error nothing_fits(const WeightSource& source, const SafetensorsFile& file, const Fit& fit,
                   const ParameterStore& store) {
  const std::vector<std::string> names = stored_names(file);
  Diagnostic finding;
  finding.code = ErrorCode::checkpoint_mismatch;
  finding.where = source.where;
  finding.message = fmt::format("none of the {} parameters can be taken from {}", fit.all(), file.path());
  finding.got = fit.other.empty() ? listed(names) : listed(fit.other, "; ");
  finding.expected = listed(paths_of(store));
  if (!fit.missing.empty()) finding.suggestion = nearest_name(fit.missing.front(), names);
  finding.hint = "--rename NAME_IN_THE_FILE=NODE maps names, as in --rename features.0=conv1";
  return Error(std::move(finding));
}

// A name of `rename` that stands for nothing is a mistake.
void check_names(const WeightSource& source, const SafetensorsFile& file, const ParameterStore& store) {
  Diagnostics diagnostics;
  const auto check = [&](const std::string& name, const std::vector<std::string>& there, const char* where) {
    const auto names_it = [&](const std::string& one) { return one.starts_with(name) && ends_name(one, name.size()); };
    if (std::ranges::any_of(there, names_it)) return;
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {"--rename", 0, 0},
                                          fmt::format("'{}' names nothing in {}", name, where));
    finding.expected = listed(there);
    finding.suggestion = nearest_name(name, there);
  };
  for (const auto& [stored, node] : source.rename) {
    check(stored, stored_names(file), file.path().c_str());
    check(node, paths_of(store), "the graph");
  }
  diagnostics.throw_if_any();
}

}  // namespace

bool starts_anew(const TrainEntry& train, const std::string& parameter) {
  return std::ranges::any_of(train.reinitialise,
                             [&](const std::string& pattern) { return matches_pattern(pattern, parameter); });
}

void check_weight_sources(const Document& document, const ParameterStore& store, Diagnostics& diagnostics) {
  for_each_file(document, store, diagnostics, [](const WeightSource&, const SafetensorsFile&) {});
}

std::vector<LoadedWeights> load_weight_sources(const Document& document, const Graph& graph, ParameterStore& store) {
  std::vector<LoadedWeights> loaded;
  Diagnostics diagnostics;
  for_each_file(document, store, diagnostics, [&](const WeightSource& source, const SafetensorsFile& file) {
    std::set<int> taken;
    for (Parameter& item : store.items()) {
      if (item.path.starts_with(source.prefix)) {
        if (starts_anew(document.train, item.path)) continue;
        file.read(name_in(file, source, item.path), item.value.view());
        taken.insert(store.find(item.path));
      } else if (is_of_loss(file, item) && !starts_anew(document.train, item.path)) {
        file.read(stored_name(file, item.path), item.value.view());
        spdlog::info("{} starts with its value in {}", item.path, file.path());
      }
    }
    std::set<std::string> read;
    for (const std::string& path : take_norms(source, file, graph, store, taken, read))
      spdlog::info("{} is taken as it was normalised in {}", path, file.path());
    const std::string hash = file.has_checksum() ? file.metadata().at("checksum") : "";
    loaded.push_back({source.prefix, fs::absolute(file.path()).lexically_normal().string(), hash});
  });
  diagnostics.throw_if_any();
  if (!loaded.empty()) store.touch();
  return loaded;
}

InitialisedWeights load_what_fits(const InitialWeights& from, const TrainEntry& train, const Graph& graph,
                                  ParameterStore& store) {
  WeightSource source;
  source.path = from.path;
  source.where.file = "--init";
  source.rename = from.rename;
  const SafetensorsFile file(file_of(source, !from.newest));
  file.verify();
  check_names(source, file, store);
  Fit fit = fit_of(source, file, train, store);
  if (fit.taken.empty()) throw nothing_fits(source, file, fit, store);
  std::set<int> taken;
  for (const auto& [index, stored] : fit.taken) {
    file.read(stored, store.at(index).value.view());
    taken.insert(index);
  }
  std::set<std::string> read;
  fit.normalised = take_norms(source, file, graph, store, taken, read);
  std::erase_if(fit.unused, [&](const std::string& name) { return read.contains(name); });
  for (std::size_t i = 0; i < store.items().size(); ++i) {  // a layer that has come to have a norm computes what it did
    Parameter& item = store.items()[i];
    if (!taken.contains(static_cast<int>(i)) && taken.contains(item.norms_of)) store.renew_norms(item);
  }
  store.touch();
  InitialisedWeights result;
  result.loaded.file = fs::absolute(file.path()).lexically_normal().string();
  if (file.has_checksum()) result.loaded.hash = file.metadata().at("checksum");
  if (const auto step = file.metadata().find("step"); step != file.metadata().end())
    result.loaded.step = CheckpointInfo::from_metadata(file.metadata(), file.path()).step;
  result.lines = lines_of(fit, file, result.loaded.step);
  return result;
}

}  // namespace loom
