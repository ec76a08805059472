#include "runner/model.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/error.h"
#include "plugin/loader.h"
#include "train/checkpoint.h"

namespace loom::runner {

Model::Model(const std::string& path, const ModelOptions& options)
    : registry_(load_standard_registry()), path_(path), weights_(options.weights) {
  std::vector<Override> overrides;
  for (const std::string& text : options.overrides) overrides.push_back(parse_override(text));
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    document_ = load_document(path, overrides);
    return;
  }
  if (!overrides.empty())
    throw Error(ErrorCode::usage, "--set changes a graph file, not a run", fmt::format("use {}/graph.yaml", path));
  const RunFolder run = RunFolder::open(path, false);
  settings_ = run.settings();
  document_ = load_document(run.document_path());
  if (weights_.empty()) weights_ = find_checkpoint(run.checkpoints_path(), !options.newest);
}

DataEntry Model::data(const std::string& specification) const {
  if (!specification.empty()) return parse_data_specification(specification);
  const DataEntry& entry = settings_ ? settings_->data : document_.data;
  if (entry.type.empty()) {
    throw Error(ErrorCode::usage, fmt::format("{} names no data", path_),
                "give --data TYPE:PATH,key=value; graph-runner list shows the types");
  }
  return entry;
}

std::unique_ptr<ParameterStore> Model::parameters(const Graph& graph, std::uint64_t seed) const {
  auto store = std::make_unique<ParameterStore>(graph, seed);
  if (!weights_.empty()) load_weights(weights_, *store);
  return store;
}

}  // namespace loom::runner
