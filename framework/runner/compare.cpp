// graph-runner compare: runs beside each other, as a table, CSV, JSON or a page.
#include <fmt/format.h>

#include "io/atomic_file.h"
#include "report/comparison.h"
#include "runner/console.h"
#include "runner/run_json.h"
#include "runner/table.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct CompareFlags {
  std::vector<std::string> runs;
  std::string html;
  bool csv = false;
};

std::string text_of(const std::optional<report::MeasuredValue>& measured) {
  if (!measured) return "";
  if (!measured->standard_error) return fmt::format("{:.6g}", measured->value);
  return fmt::format("{:.6g} +- {:.2g}", measured->value, *measured->standard_error);
}

std::vector<std::string> paths_of(const report::Comparison& comparison) {
  std::vector<std::string> paths;
  for (const report::RunSummary& run : comparison.runs) paths.push_back(run.path);
  return paths;
}

// A line a setting or value, a column a run.
void print_comparison_table(const report::Comparison& comparison) {
  TextTable table{paths_of(comparison), {}};
  table.header.insert(table.header.begin(), "");
  const auto row = [&](const std::string& name, const auto& text) {
    std::vector<std::string>& cells = table.rows.emplace_back(std::vector<std::string>{name});
    for (const report::RunSummary& run : comparison.runs) cells.push_back(text(run));
  };
  row("state", [](const auto& run) { return name_of(run.state); });
  row("step", [](const auto& run) { return fmt::format("{} of {}", run.step, run.steps); });
  row("best", [](const auto& run) {
    return run.best_value ? fmt::format("{:.6g} at step {}", *run.best_value, run.best_step) : std::string();
  });
  row("evaluated at", [](const auto& run) {
    return run.evaluated_step > 0 ? fmt::format("step {}", run.evaluated_step) : std::string();
  });
  const auto lines = [&](const std::string& key, const auto& values, const auto& text) {
    std::vector<std::string>& cells = table.rows.emplace_back(std::vector<std::string>{key});
    for (const auto& value : values) cells.push_back(text(value));
  };
  for (const auto& setting : comparison.settings)
    lines(setting.key, setting.values, [](const std::string& value) { return value.empty() ? "-" : value; });
  for (const auto& measured : comparison.evaluation) lines(measured.key, measured.values, text_of);
  table.print();
}

// A line a run: what programs that draw and fit read.
void print_csv(const report::Comparison& comparison) {
  TextTable table{{"run", "state", "step", "steps", "best", "best_step"}, {}};
  for (const auto& setting : comparison.settings) table.header.push_back(setting.key);
  for (const auto& measured : comparison.evaluation) {
    table.header.push_back(measured.key);
    table.header.push_back(measured.key + "_standard_error");
  }
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const report::RunSummary& run = comparison.runs[i];
    std::vector<std::string> cells = {run.path,
                                      name_of(run.state),
                                      std::to_string(run.step),
                                      std::to_string(run.steps),
                                      run.best_value ? fmt::format("{}", *run.best_value) : "",
                                      run.best_value ? std::to_string(run.best_step) : ""};
    for (const auto& setting : comparison.settings) cells.push_back(setting.values[i]);
    for (const auto& measured : comparison.evaluation) {
      const auto& value = measured.values[i];
      cells.push_back(value ? fmt::format("{}", value->value) : "");
      cells.push_back(value && value->standard_error ? fmt::format("{}", *value->standard_error) : "");
    }
    table.rows.push_back(std::move(cells));
  }
  table.print_csv();
}

void print_comparison(const report::Comparison& comparison) {
  nlohmann::ordered_json json = {{"runs", nlohmann::ordered_json::array()},
                                 {"settings", nlohmann::ordered_json::object()}};
  for (const report::RunSummary& run : comparison.runs) json["runs"].push_back(to_json(run));
  for (const auto& setting : comparison.settings) json["settings"][setting.key] = setting.values;
  print_json(json);
}

int compare(const CompareFlags& request, bool json) {
  const report::Comparison comparison = report::compare_runs(request.runs);
  if (!request.html.empty()) write_text_file(request.html, report::comparison_page(comparison));
  if (json)
    print_comparison(comparison);
  else if (request.csv)
    print_csv(comparison);
  else
    print_comparison_table(comparison);
  return kOk;
}

void add_compare(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "compare", "Show the settings in which runs differ, and what they measured",
                       "graph-runner compare runs/vae-1 runs/vae-2 --html comparison.html");
  auto request = std::make_shared<CompareFlags>();
  verb.option("RUN", request->runs, "run folders; training jobs may be writing to them").required();
  verb.option("--html", request->html, "also a page with the tables, and the curves of all runs overlaid");
  verb.flag("--csv", request->csv, "as CSV, one line a run");
  verb.json_flag();
  verb.action([&invocation, request] { return compare(*request, invocation.json); });
}
LOOM_VERB(36, add_compare)

}  // namespace
}  // namespace loom::runner
