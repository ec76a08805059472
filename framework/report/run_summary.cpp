#include "report/run_summary.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "document/document.h"
#include "io/json_fields.h"
#include "io/safetensors.h"
#include "loom/error.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/run_folder.h"
#include "train/selection.h"

namespace loom::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kError = "_standard_error";

// Numbers of nested maps, with their keys joined by dots; an error goes to the value that it is of.
void flatten(const Json& json, const std::string& prefix, std::vector<MeasuredValue>& into) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_object()) flatten(value, prefix + key + ".", into);
    if (!value.is_number() || key.ends_with(kError)) continue;
    MeasuredValue& measured = into.emplace_back(MeasuredValue{prefix + key, value.get<double>(), std::nullopt});
    const auto error = json.find(key + kError);
    if (error != json.end() && error->is_number()) measured.standard_error = error->get<double>();
  }
}

void read_metrics(const RunFolder& run, RunSummary& summary) {
  Metrics metrics(run.metrics_path(), 1, true);
  for (const auto& [name, split] : metrics.curves()) {
    if (name != "total_loss") continue;
    const std::vector<MetricRow> rows = metrics.read(name, split);
    if (rows.empty()) continue;
    std::int64_t& last = split == "train" ? summary.step : summary.evaluated_step;
    last = std::max(last, rows.back().step);
  }
  const std::string text = metrics.info("evaluation").value_or("");
  if (text.empty() || nested_deeper(text, kMaxJsonDepth)) return;
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) flatten(json, "", summary.evaluation);
}

// The newest checkpoint says how far a stopped run is: its curves may reach further.
std::optional<CheckpointInfo> newest_checkpoint(const RunFolder& run) {
  std::error_code ignored;
  if (!fs::is_directory(run.checkpoints_path(), ignored)) return std::nullopt;
  const auto checkpoints = list_checkpoints(run.checkpoints_path());
  if (checkpoints.empty()) return std::nullopt;
  const std::string& file = checkpoints.back().second;
  return CheckpointInfo::from_metadata(SafetensorsFile(file).metadata(), file);
}

std::string time_of_making(const RunFolder& run) {
  std::error_code ignored;
  const auto written = fs::last_write_time(run.path() + "/.lock", ignored);
  const auto since = std::chrono::file_clock::to_sys(written);
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(since));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

std::string name_of(RunState state) {
  switch (state) {
    case RunState::training: return "training";
    case RunState::finished: return "finished";
    default: return "stopped";
  }
}

RunSummary summary_of_run(const std::string& path) {
  const RunFolder run = RunFolder::open(path, false);
  const Document document = load_document(run.document_path());
  RunSummary summary;
  summary.path = path;
  summary.graph = document.name;
  summary.data = run.settings().data.type;
  summary.steps = run.settings().steps;
  summary.started = time_of_making(run);
  std::error_code ignored;
  if (fs::is_regular_file(run.metrics_path(), ignored)) read_metrics(run, summary);
  const bool training = is_training(path);
  const std::optional<CheckpointInfo> checkpoint = newest_checkpoint(run);
  if (!training) summary.step = checkpoint ? checkpoint->step : 0;
  if (checkpoint) {
    summary.best_value = checkpoint->best_value;
    summary.best_step = checkpoint->best_step;
    summary.monitor = checkpoint->best_of;
  }
  const std::int64_t patience = document.train.early_stopping;
  const bool gave_up = checkpoint && patience > 0 && checkpoint->evaluations_without_improvement >= patience;
  summary.state = training                                   ? RunState::training
                  : summary.step >= summary.steps || gave_up ? RunState::finished
                                                             : RunState::stopped;
  return summary;
}

FoundRuns runs_below(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code problem;
  const auto options = fs::directory_options::skip_permission_denied;
  if (is_run_folder(folder)) paths.push_back(folder);
  for (fs::recursive_directory_iterator it(folder, options, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (!it->is_directory(problem)) continue;
    if (!paths.empty() && paths.front() == folder) break;  // the folder itself is a run
    if (!is_run_folder(it->path().string())) continue;
    paths.push_back(it->path().string());
    it.disable_recursion_pending();
  }
  if (problem) throw Error(ErrorCode::read_failed, "cannot list " + folder + ": " + problem.message());
  std::ranges::sort(paths);
  FoundRuns found;
  for (const std::string& path : paths) {
    try {
      found.runs.push_back(summary_of_run(path));
    } catch (const std::exception& error) {
      found.unreadable.emplace_back(path, error.what());
    }
  }
  return found;
}

}  // namespace loom::report
