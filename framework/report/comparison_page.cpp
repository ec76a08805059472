// The page of a comparison.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/chart.h"
#include "report/comparison.h"
#include "report/report_style.h"
#include "train/metrics.h"
#include "train/run_folder.h"

namespace loom::report {
namespace {

std::string cell(const std::string& text) {
  return "<td class=\"number\">" + escaped(text.empty() ? "-" : text) + "</td>";
}

std::string measured_text(const std::optional<MeasuredValue>& measured) {
  if (!measured) return "";
  if (!measured->standard_error) return fmt::format("{:.6g}", measured->value);
  return fmt::format("{:.6g} \u00b1 {:.2g}", measured->value, *measured->standard_error);
}

std::string heading(const Comparison& comparison) {
  std::string out = "<div class=\"wide\"><table class=\"graph\">\n<thead><tr><th></th>";
  for (const RunSummary& run : comparison.runs) out += "<th class=\"number\">" + escaped(run.path) + "</th>";
  return out + "</tr></thead>\n<tbody>\n";
}

template <class Rows, class Text>
std::string compared_rows(const Rows& rows, const Text& text) {
  std::string out;
  for (const auto& row : rows) {
    out += "<tr><th>" + escaped(row.key) + "</th>";
    for (const auto& value : row.values) out += cell(text(value));
    out += "</tr>\n";
  }
  return out;
}

std::string progress_rows(const Comparison& comparison) {
  std::string states = "<tr><th>state</th>", best = "<tr><th>best</th>";
  for (const RunSummary& run : comparison.runs) {
    states += cell(fmt::format("{}, step {} of {}", name_of(run.state), run.step, run.steps));
    best += cell(run.best_value ? fmt::format("{:.6g} at step {}", *run.best_value, run.best_step) : "");
  }
  return states + "</tr>\n" + best + "</tr>\n";
}

// Curves of one name and split, a line a run.
std::string charts_of(const Comparison& comparison) {
  std::map<std::pair<std::string, std::string>, std::vector<Series>> charts;
  for (const RunSummary& run : comparison.runs) {
    Metrics metrics(RunFolder::open(run.path, false).metrics_path(), 1, true);
    for (const auto& curve : metrics.curves()) {
      Series series{run.path, {}};
      for (const MetricRow& row : metrics.read(curve.first, curve.second))
        series.points.emplace_back(static_cast<double>(row.step), row.value);
      if (has_values({series})) charts[curve].push_back(std::move(series));
    }
  }
  std::string out;
  for (const auto& [curve, series] : charts) {
    if (double value = 0; is_constant(series, value)) continue;
    std::string name = curve.first;
    std::ranges::replace(name, '_', ' ');
    out += "<figure>" + line_chart(name + ", " + curve.second, series) + "</figure>\n";
  }
  return out;
}

}  // namespace

std::string comparison_page(const Comparison& comparison) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
      "dark\">\n<title>{} Latentloom runs</title>\n<style>{}</style>\n</head>\n<body>\n<h1>{} runs</h1>\n",
      comparison.runs.size(), kReportStyle, comparison.runs.size());
  out += "<h2>Progress</h2>\n" + heading(comparison) + progress_rows(comparison) + "</tbody></table></div>\n";
  out += "<h2>Settings that differ</h2>\n";
  out += comparison.settings.empty()
             ? "<p>none</p>\n"
             : heading(comparison) + compared_rows(comparison.settings, [](const std::string& text) { return text; }) +
                   "</tbody></table></div>\n";
  out += "<h2>Last evaluations</h2>\n" + heading(comparison) + compared_rows(comparison.evaluation, measured_text) +
         "</tbody></table></div>\n";
  return out + "<h2>Curves</h2>\n<div class=\"charts\">\n" + charts_of(comparison) + "</div>\n</body>\n</html>\n";
}

}  // namespace loom::report
