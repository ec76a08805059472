#include "train/run_settings.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "data/source.h"
#include "document/option_json.h"
#include "document/render.h"
#include "io/json_fields.h"
#include "loom/abi.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "train/option_field.h"

namespace loom {
namespace {

using Json = nlohmann::json;

std::vector<std::string> texts_of(const JsonField& field) {
  std::vector<std::string> texts;
  for (const JsonField& item : field.items()) texts.push_back(item.text());
  return texts;
}

RunSource source_from(const JsonField& field) {
  RunSource source;
  source.graph = field.at("graph").text();
  source.overrides = texts_of(field.at("overrides"));
  for (const JsonField& words : field.at("nodes").items()) source.nodes.push_back(texts_of(words));
  return source;
}

void check_range(const char* what, std::int64_t got, std::int64_t least, std::int64_t most) {
  if (got >= least && got <= most) return;
  Diagnostic finding{};
  finding.code = ErrorCode::out_of_range;
  finding.message = fmt::format("{} of the training job is out of range", what);
  finding.got = fmt::format("{}", got);
  finding.expected = fmt::format("{} to {}", least, most);
  throw Error(std::move(finding));
}

}  // namespace

std::string RunSettings::to_json() const {
  Json options = Json::object();
  for (const auto& [name, option] : with_absolute_paths(data).options) options[name] = loom::to_json(option.value);
  Json loaded = Json::array();
  for (const LoadedWeights& one : weights) {
    loaded.push_back({{"nodes", one.nodes}, {"file", one.file}, {"hash", one.hash}});
    if (one.step >= 0) loaded.back()["step"] = one.step;
  }
  const Json json = {{"format", card ? kRunFormat : 1},
                     {"version", version.empty() ? LOOM_VERSION : version},
                     {"seed", seed},
                     {"lanes", lanes},
                     {"shard", shard},
                     {"batch", batch},
                     {"steps", steps},
                     {"algorithms", algorithms},
                     {"precision", precision},
                     {"isa", isa.empty() ? instruction_set() : isa},
                     {"data", {{"type", data.type}, {"options", options}}},
                     {"weights", loaded},
                     {"source", {{"graph", source.graph}, {"overrides", source.overrides}, {"nodes", source.nodes}}}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunSettings RunSettings::from_json(const std::string& text, const std::string& file) {
  const JsonSource source{file, "not the settings of a run"};
  const Json json = parse_json(text, source);
  const JsonField run(json, source);
  RunSettings settings;
  settings.format = static_cast<int>(run.at("format").integer(1, kRunFormat));
  settings.version = run.at("version").text();
  settings.seed = run.at("seed").natural();
  settings.lanes = static_cast<int>(run.at("lanes").integer(1, kMaxLanes));
  settings.shard = run.at("shard").integer(1, kMaxBatch);
  settings.batch = run.at("batch").integer(1, kMaxBatch);
  settings.steps = run.at("steps").integer(0, kMaxSteps);
  const auto algorithms = run.find("algorithms");  // runs of older versions have none
  settings.algorithms = recorded_algorithms(algorithms ? algorithms->text() : "direct");
  if (const auto precision = run.find("precision")) settings.precision = checked_precision(precision->text());
  if (const auto isa = run.find("isa")) settings.isa = isa->text();
  const JsonField data = run.at("data");
  settings.data.type = data.at("type").text();
  settings.data.where = settings.data.type_where = {file, 0, 0};
  for (const auto& [name, value] : data.at("options").members())
    settings.data.options[name] = {option_from(value), {file, 0, 0}};
  if (const auto weights = run.find("weights")) {
    for (const JsonField& one : weights->items()) {
      settings.weights.push_back({one.at("nodes").text(), one.at("file").text(), one.at("hash").text()});
      if (const auto step = one.find("step")) settings.weights.back().step = step->integer(0, kMaxSteps);
    }
  }
  if (const auto made_from = run.find("source")) settings.source = source_from(*made_from);
  return settings;
}

RunSettings settings_of(const Document& document, SessionSettings wanted) {
  return {.seed = wanted.seed.value_or(document.train.seed),
          .lanes = wanted.lanes,
          .shard = wanted.shard,
          .batch = wanted.batch.value_or(document.train.batch),
          .steps = wanted.steps.value_or(document.train.steps),
          .algorithms = recorded_algorithms(wanted.algorithms),
          .precision = checked_precision(wanted.precision),
          .data = wanted.data.value_or(document.data),
          .card = std::move(wanted.card),
          .weights = std::move(wanted.weights),
          .source = std::move(wanted.source),
          .threads = wanted.threads,
          .cache = std::move(wanted.cache)};
}

Document with_settings(Document document, const RunSettings& settings) {
  check_range("the batch", settings.batch, 1, kMaxBatch);
  check_range("the number of steps", settings.steps, 0, kMaxSteps);
  check_range("the number of lanes", settings.lanes, 0, kMaxLanes);
  check_range("the shard", settings.shard, 0, kMaxBatch);
  TrainEntry& train = document.train;
  const bool same = train.steps == settings.steps && train.batch == settings.batch && train.seed == settings.seed &&
                    same_data(document.data, settings.data);
  if (same) return document;
  train.steps = settings.steps;
  train.batch = settings.batch;
  train.seed = settings.seed;
  document.data = settings.data;
  document.resolved = render_document(document);
  return document;
}

SessionSettings settings_of(const RunSettings& run, SessionSettings wanted) {
  if (!wanted.data) wanted.data = run.data;
  if (!wanted.card) wanted.card = run.card;
  if (!wanted.steps) wanted.steps = run.steps;
  if (!wanted.batch) wanted.batch = run.batch;
  if (!wanted.seed) wanted.seed = run.seed;
  if (wanted.lanes == 0) wanted.lanes = run.lanes;
  if (wanted.shard == 0) wanted.shard = run.shard;
  if (wanted.algorithms.empty()) wanted.algorithms = run.algorithms;
  if (wanted.precision.empty()) wanted.precision = run.precision;
  if (wanted.threads == 0) wanted.threads = run.threads;
  if (wanted.cache.empty()) wanted.cache = run.cache;
  wanted.weights = run.weights;
  wanted.source = run.source;
  return wanted;
}

}  // namespace loom
