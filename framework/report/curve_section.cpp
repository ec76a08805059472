#include "report/curve_section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "report/chart.h"
#include "train/evaluation.h"

namespace loom::report {
namespace {

constexpr std::size_t kLeastTimes = 3;  // entries of the clock from which on a chart over time says something

// Curves that belong together share a chart: its name, and the name of the curve in it ("": that of its split).
std::pair<std::string, std::string> chart_of(const std::string& curve) {
  for (const char* part : {".largest", ".median", ".smallest"}) {
    if (curve.ends_with(part)) return {curve.substr(0, curve.size() - std::strlen(part)), part + 1};
  }
  if (curve == "committed_rate") return {"rate", "committed"};
  return {curve, ""};
}

// kl/2 comes before kl/10.
struct ByNumber {
  bool operator()(const std::string& a, const std::string& b) const { return strverscmp(a.c_str(), b.c_str()) < 0; }
};

// Curves with the same name share a chart; the most important charts come first.
std::vector<std::pair<std::string, std::vector<Series>>> curve_charts(Metrics& metrics) {
  std::map<std::string, std::vector<Series>, ByNumber> by_name;
  for (const auto& [curve, split] : metrics.curves()) {
    const auto [name, part] = chart_of(curve);
    Series series{part.empty() ? split : part, {}};
    for (const MetricRow& point : metrics.read(curve, split))
      series.points.emplace_back(static_cast<double>(point.step), point.value);
    if (has_values({series})) by_name[name].push_back(std::move(series));
  }
  const auto rank = [](const std::string& name) {
    if (name == "negative_elbo" || name == "nll" || name == "reconstruction") return 0;
    if (name == "total_loss") return 1;
    if (name == "bits_per_dim") return 3;
    if (name.starts_with("gradient_norm")) return 4;
    return name == "learning_rate" ? 5 : 2;
  };
  std::vector<std::pair<std::string, std::vector<Series>>> charts(by_name.begin(), by_name.end());
  std::ranges::stable_sort(charts, [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
  for (auto& [name, list] : charts) {  // training first, in the first colour
    std::ranges::stable_sort(
        list, [](const Series& a, const Series& b) { return (a.name == "train") > (b.name == "train"); });
  }
  return charts;
}

// Seconds of training up to a step, between the steps whose time is known.
double seconds_at(const std::vector<MetricRow>& clock, double step) {
  const auto after =
      std::ranges::lower_bound(clock, step, {}, [](const MetricRow& row) { return static_cast<double>(row.step); });
  const MetricRow last = after == clock.end() ? clock.back() : *after;
  const MetricRow first = after == clock.begin() ? MetricRow{0, 0} : *std::prev(after);
  if (after == clock.end() || last.step == first.step) return last.value;
  const double share = (step - static_cast<double>(first.step)) / static_cast<double>(last.step - first.step);
  return first.value + share * (last.value - first.value);
}

std::vector<Series> over_time(std::vector<Series> series, const std::vector<MetricRow>& clock) {
  for (Series& one : series)
    for (auto& point : one.points) point.first = seconds_at(clock, point.first);
  return series;
}

std::vector<ChartMark> marks_of(Metrics& metrics) {
  std::vector<ChartMark> marks;
  for (const HistoryEvent& event : metrics.history()) {
    if (event.kind == "swapped")
      marks.push_back({static_cast<double>(event.step), fmt::format("step {}: {}", event.step, event.what)});
  }
  return marks;
}

// Of series with one point each: "99.3 (train), 101 (validation)".
std::string values_of(const std::vector<Series>& series) {
  std::vector<std::string> values;
  for (const Series& one : series) {
    if (!one.points.empty()) values.push_back(fmt::format("{:.4g} ({})", one.points.front().second, one.name));
  }
  return fmt::format("{}", fmt::join(values, ", "));
}

// A switch without a script: the style sheet shows the charts of the axis that is checked.
constexpr const char* kAxisChoice =
    "<input type=\"radio\" name=\"axis\" id=\"axis-steps\" checked><label for=\"axis-steps\">over steps</label>\n"
    "<input type=\"radio\" name=\"axis\" id=\"axis-time\"><label for=\"axis-time\">over training time</label>\n";

}  // namespace

std::string title_of_curve(const std::string& curve, const Registry& registry) {
  std::vector<ValueDeclaration> declared = evidence_contract().values();
  for (const std::string& name : registry.names<MetricType>()) {
    const auto& more = registry.find<MetricType>(name)->contract.values();
    declared.insert(declared.end(), more.begin(), more.end());
  }
  for (const ValueDeclaration& value : declared) {
    if (curve != value.key && !curve.ends_with("." + value.key)) continue;
    const std::string prefix = curve.substr(0, curve.size() - value.key.size());
    return (prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1) + ": ") + value.title +
           (value.unit.empty() ? "" : ", " + value.unit);
  }
  std::string title = curve;
  std::ranges::replace(title, '_', ' ');
  return title;
}

std::string curve_section(const Registry& registry, Metrics& metrics) {
  const std::vector<ChartMark> marks = marks_of(metrics);
  const std::vector<MetricRow> clock = metrics.clock();
  const bool has_clock = clock.size() >= kLeastTimes;
  std::vector<ChartMark> timed_marks = marks;
  if (has_clock)
    for (ChartMark& mark : timed_marks) mark.x = seconds_at(clock, mark.x);
  std::string charts;
  std::vector<std::string> constants, once;
  for (const auto& [name, series] : curve_charts(metrics)) {
    const std::string title = title_of_curve(name, registry);
    if (is_measured_once(series)) {
      once.push_back(fmt::format("{} {}", title, values_of(series)));
      continue;
    }
    if (double value = 0; is_constant(series, value)) {
      constants.push_back(fmt::format("{} {:.4g}", title, value));
      continue;
    }
    charts += "<figure><div class=\"by-steps\">" + line_chart(title, series, marks) + "</div>";
    if (has_clock)
      charts += "<div class=\"by-time\">" +
                line_chart(title, over_time(series, clock), timed_marks, ChartAxis::seconds) + "</div>";
    charts += "</figure>\n";
  }
  std::string out = "<h2>Curves</h2>\n<div class=\"curves\">\n";
  if (has_clock && !charts.empty()) out += kAxisChoice;
  out += "<div class=\"charts\">\n" + charts + "</div>\n</div>\n";
  for (const auto& [what, list] : {std::pair("Constant", constants), std::pair("Measured once", once)}) {
    if (list.empty()) continue;
    out += fmt::format("<p class=\"note\">{}: {}.</p>\n", what, escaped(fmt::format("{}", fmt::join(list, "; "))));
  }
  return out;
}

}  // namespace loom::report
