// graph-runner metrics: the curves of a run, also while it trains, for programs that draw or compare them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runner/console.h"
#include "runner/table.h"
#include "runner/verbs.h"
#include "train/metrics.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

struct MetricsFlags {
  std::string run;
  std::vector<std::string> names;
  std::int64_t after = -1;
  bool csv = false, lines = false;
};

struct Curve {
  std::string name, split;
  std::vector<MetricRow> rows;
};

// The names that were asked for, all if none was; throws Error(usage) that lists every unknown one.
void check_names(const MetricsFlags& request, const std::vector<std::pair<std::string, std::string>>& curves) {
  std::vector<std::string> known;
  for (const auto& [name, split] : curves) {
    if (known.empty() || known.back() != name) known.push_back(name);
  }
  Diagnostics unknown;
  for (const std::string& name : request.names) {
    if (std::ranges::find(known, name) == known.end())
      unknown.add_unknown_word({}, fmt::format("the run has no curve '{}'", name), name, known).code = ErrorCode::usage;
  }
  unknown.throw_if_any();
}

std::vector<Curve> read_curves(const MetricsFlags& request) {
  const RunFolder run = RunFolder::open(request.run, false);
  Metrics metrics(run.metrics_path(), 1, true);
  const auto names = metrics.curves();
  check_names(request, names);
  std::vector<Curve> curves;
  for (const auto& [name, split] : names) {
    if (!request.names.empty() && std::ranges::find(request.names, name) == request.names.end()) continue;
    curves.push_back({name, split, metrics.read(name, split)});
    std::erase_if(curves.back().rows, [&](const MetricRow& row) { return row.step <= request.after; });
  }
  return curves;
}

void print_curves(const std::vector<Curve>& curves) {
  print("name,split,step,value\n");
  for (const Curve& curve : curves) {
    const std::string start = csv_field(curve.name) + "," + csv_field(curve.split);
    for (const MetricRow& row : curve.rows)
      print("{},{},{}\n", start, row.step, std::isfinite(row.value) ? fmt::format("{}", row.value) : "");
  }
}

// One value a line.
void print_json_lines(const std::vector<Curve>& curves) {
  for (const Curve& curve : curves) {
    for (const MetricRow& row : curve.rows)
      print_json_line(
          {{"name", curve.name}, {"split", curve.split}, {"step", row.step}, {"value", json_number(row.value)}});
  }
}

Json curves_json(const std::vector<Curve>& curves) {
  Json json = {{"curves", Json::array()}};
  for (const Curve& curve : curves) {
    Json steps = Json::array(), values = Json::array();
    for (const MetricRow& row : curve.rows) {
      steps.push_back(row.step);
      values.push_back(std::isfinite(row.value) ? Json(row.value) : Json(nullptr));
    }
    json["curves"].push_back({{"name", curve.name}, {"split", curve.split}, {"steps", steps}, {"values", values}});
  }
  return json;
}

int metrics(const MetricsFlags& request, bool json) {
  if (static_cast<int>(json) + static_cast<int>(request.lines) + static_cast<int>(request.csv) > 1)
    throw usage_error("metrics", "--csv, --jsonl and --json exclude each other");
  const std::vector<Curve> curves = read_curves(request);
  if (json)
    print_json(curves_json(curves));
  else if (request.lines)
    print_json_lines(curves);
  else
    print_curves(curves);
  return kOk;
}

void add_metrics(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "metrics", "Print the curves of a run as CSV, JSON lines or JSON",
                       "graph-runner metrics runs/first --name total_loss > loss.csv");
  auto request = std::make_shared<MetricsFlags>();
  verb.option("RUN", request->run, "a run folder; a training job may be writing to it").required();
  verb.option("--name", request->names, "print only the curves of this name; repeatable");
  verb.option("--after", request->after, "print only the values after this step, as a program that polls needs")
      .at_least(0);
  verb.flag("--csv", request->csv, "name,split,step,value: the default");
  verb.flag("--jsonl", request->lines, "one JSON object a line: name, split, step, value");
  verb.json_flag();
  verb.action([&invocation, request] { return metrics(*request, invocation.json); });
}
LOOM_VERB(30, add_metrics)

}  // namespace
}  // namespace loom::runner
