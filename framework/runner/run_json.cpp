#include "runner/run_json.h"

#include "runner/console.h"

namespace loom::runner {

nlohmann::ordered_json to_json(const report::RunSummary& run) {
  using Json = nlohmann::ordered_json;
  Json json = {{"run", run.path},        {"graph", run.graph}, {"data", run.data},   {"state", name_of(run.state)},
               {"started", run.started}, {"step", run.step},   {"steps", run.steps}, {"best", nullptr},
               {"evaluation", nullptr}};
  if (run.best_value)
    json["best"] = {{"step", run.best_step}, {"value", json_number(*run.best_value)}, {"of", run.monitor}};
  if (!run.evaluation.empty()) {
    Json values = Json::object();
    for (const report::MeasuredValue& value : run.evaluation) {
      values[value.key] = {
          {"value", json_number(value.value)},
          {"standard_error", value.standard_error ? json_number(*value.standard_error) : Json(nullptr)}};
    }
    json["evaluation"] = {{"step", run.evaluated_step}, {"values", values}};
  }
  return json;
}

}  // namespace loom::runner
