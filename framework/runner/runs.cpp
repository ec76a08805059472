// graph-runner runs: the runs below a folder, one line each.
#include <fmt/format.h>

#include "report/run_summary.h"
#include "runner/console.h"
#include "runner/run_json.h"
#include "runner/table.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct RunsFlags {
  std::string folder = "runs";
  bool csv = false;
};

TextTable table_of(const std::vector<report::RunSummary>& runs) {
  TextTable table{{"run", "graph", "data", "state", "step", "steps", "best", "best_step", "started"}, {}};
  for (const report::RunSummary& run : runs) {
    table.rows.push_back({run.path, run.graph, run.data, name_of(run.state), std::to_string(run.step),
                          std::to_string(run.steps), run.best_value ? fmt::format("{:.6g}", *run.best_value) : "",
                          run.best_value ? std::to_string(run.best_step) : "", run.started});
  }
  return table;
}

int runs(const RunsFlags& request, bool json) {
  const report::FoundRuns found = report::runs_below(request.folder);
  if (json) {
    nlohmann::ordered_json all = {{"runs", nlohmann::ordered_json::array()}};
    for (const report::RunSummary& run : found.runs) all["runs"].push_back(to_json(run));
    all["unreadable"] = nlohmann::ordered_json::array();
    for (const auto& [path, why] : found.unreadable) all["unreadable"].push_back({{"run", path}, {"why", why}});
    print_json(all);
  } else if (request.csv) {
    table_of(found.runs).print_csv();
  } else if (!found.runs.empty()) {
    table_of(found.runs).print();
  }
  if (found.runs.empty() && found.unreadable.empty()) say(fmt::format("no runs below {}\n", request.folder));
  for (const auto& [path, why] : found.unreadable) say(fmt::format("{} cannot be read: {}\n", path, why));
  return found.unreadable.empty() ? kOk : kFailed;
}

void add_runs(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "runs", "List the runs below a folder: how far each is, and its best value",
                       "graph-runner runs\n  graph-runner runs experiments --csv > runs.csv");
  auto request = std::make_shared<RunsFlags>();
  verb.option("FOLDER", request->folder, "a folder; runs are searched in all folders below it").shows_default();
  verb.flag("--csv", request->csv, "as CSV");
  verb.json_flag();
  verb.action([&invocation, request] { return runs(*request, invocation.json); });
}
LOOM_VERB(34, add_runs)

}  // namespace
}  // namespace loom::runner
