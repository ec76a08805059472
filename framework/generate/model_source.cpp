#include "generate/model_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "data/source.h"
#include "document/shipped_graphs.h"
#include "generate/fit_inputs.h"
#include "loom/error.h"
#include "plugin/registries.h"
#include "train/checkpoint.h"
#include "train/data_card_json.h"
#include "train/inherited.h"
#include "train/run_document.h"
#include "train/weight_sources.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

// Checked before the document layer reports that a run is not a YAML file.
void check_exists(const std::string& path) {
  std::error_code ignored;
  if (path == kStandardInput || fs::exists(path, ignored)) return;
  Diagnostic finding;
  finding.code = ErrorCode::file_not_found;
  finding.where = {path, 0, 0};
  finding.message = "there is no such graph file or run folder";
  const fs::path parent = fs::path(path).parent_path();
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent.empty() ? "." : parent, ignored))
    names.push_back((parent / entry.path().filename()).string());
  finding.suggestion = nearest_name(path, names);
  if (finding.suggestion.empty()) finding.suggestion = nearest_shipped_graph(path);
  throw Error(std::move(finding));
}

// A checkpoint holds the data card of its run. Null for weights from elsewhere.
std::shared_ptr<const DataCard> card_of_weights(const std::string& file) {
  std::error_code ignored;
  if (file.empty() || !fs::is_regular_file(file, ignored)) return nullptr;  // whoever loads the weights reports this
  const SafetensorsFile weights(file);
  const auto text = weights.metadata().find("data_card");
  if (text == weights.metadata().end() || text->second.empty()) return nullptr;
  return std::make_shared<DataCard>(data_card_from_json(text->second, file));
}

}  // namespace

ModelSource::ModelSource(const std::string& name, const ModelOptions& options)
    : path_(graph_file(name)), weights_(options.weights), seed_(options.seed), notice_(options.notice) {
  const std::string& path = path_;
  const std::vector<Override> overrides = parse_overrides(options.overrides);
  check_exists(path);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    document_ = load_document(path, overrides);
  } else {
    if (!overrides.empty())
      throw Error(ErrorCode::usage, "--set changes a graph file, not a run", fmt::format("use {}/graph.yaml", path));
    const RunFolder run = RunFolder::open(path, false);
    settings_ = run.settings();
    document_ = load_document(run.document_path());
    if (weights_.empty()) weights_ = find_checkpoint(run.checkpoints_path(), !options.newest);
    if (options.weights.empty() && !weights_.empty() && is_edited(path, weights_))
      spdlog::warn("{}: the document has changed since {} was written: its weights were trained in another graph",
                   run.document_path(), weights_);
  }
  card_ = settings_ ? settings_->card : card_of_weights(weights_);
  registry_ = registry_for({document_.plugins, options.plugins});
  drop_inherited(document_, *registry_);
}

ModelSource::ModelSource(const DocumentText& document, const ModelOptions& options)
    : path_(document.name),
      document_(parse_document(document.yaml, document.name, document.folder, parse_overrides(options.overrides))),
      weights_(options.weights),
      seed_(options.seed),
      notice_(options.notice) {
  card_ = card_of_weights(weights_);
  registry_ = registry_for({document_.plugins, options.plugins});
}

DataEntry ModelSource::data(const std::string& specification) const {
  if (!specification.empty()) {
    DataEntry entry = parse_data_specification(specification);
    return card_ ? with_card(*registry_, std::move(entry), *card_) : entry;
  }
  const DataEntry& entry = settings_ ? settings_->data : document_.data;
  if (entry.type.empty()) {
    throw Error(ErrorCode::usage, fmt::format("{} does not name a data set", path_),
                "give --data TYPE:PATH,key=value; graph-runner list shows the types");
  }
  return entry;
}

std::shared_ptr<const DataSource> ModelSource::open(const DataEntry& data, const std::string& split) const {
  return open_split(*registry_, data, split, card_.get());
}

void ModelSource::fit(const DataSource& data) {
  document_ = fit_inputs(std::move(document_), *registry_, data.columns());
}

std::int64_t ModelSource::sample_rate(const std::string& specification) const {
  if (specification.empty() && card_) return card_->sample_rate;
  const DataEntry& own = settings_ ? settings_->data : document_.data;
  if (specification.empty() && own.type.empty()) return 0;
  try {
    return DataSource(*registry_, specification.empty() ? own : data(specification), card_.get()).sample_rate();
  } catch (const Error& error) {
    notice(fmt::format("the data does not declare a sample rate: {}", error.what()));
    return 0;
  }
}

std::int64_t ModelSource::steps_done() const {
  if (weights_.empty()) return 0;
  const TextMap metadata = SafetensorsFile(weights_).metadata();
  return metadata.contains("step") ? CheckpointInfo::from_metadata(metadata, weights_).step : 0;
}

std::unique_ptr<ParameterStore> ModelSource::parameters(const Graph& graph, std::uint64_t seed) const {
  auto store = std::make_unique<ParameterStore>(graph, seed);
  if (!weights_.empty())
    load_weights(weights_, *store);
  else
    load_weight_sources(document_, graph, *store);
  return store;
}

}  // namespace loom
