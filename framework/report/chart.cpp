#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/chart_scale.h"

namespace loom::report {
namespace {

// The chart in user units; it is scaled to the width of the page.
constexpr double kWidth = 440, kPlotHeight = 170;
constexpr double kLeft = 58, kRight = 12, kTop = 34, kBottom = 26;
constexpr double kLegendLine = 15, kLetter = 6.4, kSwatch = 16;  // a line, a letter, the dash before a name
constexpr std::size_t kMostPoints = 300;                         // points of a series
constexpr double kBulk = 0.02;            // share of values at each end that may be off the chart
constexpr std::size_t kFewPoints = 40;    // series up to this size have a dot per point
constexpr std::size_t kColours = 8;       // of the style sheet
constexpr std::size_t kLongestName = 52;  // letters of a name in the legend

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

Series thinned(const Series& series) {
  if (series.points.size() <= kMostPoints) return series;
  Series thin{series.name, {}};
  const std::size_t count = series.points.size();
  for (std::size_t piece = 0; piece < kMostPoints; ++piece) {
    const std::size_t first = piece * count / kMostPoints, last = (piece + 1) * count / kMostPoints;
    double x = 0, y = 0;
    std::size_t used = 0;
    for (std::size_t i = first; i < last; ++i) {
      x += series.points[i].first;
      if (!std::isfinite(series.points[i].second)) continue;
      y += series.points[i].second;
      ++used;
    }
    thin.points.emplace_back(x / static_cast<double>(last - first),
                             used > 0 ? y / static_cast<double>(used) : std::numeric_limits<double>::quiet_NaN());
  }
  return thin;
}

// The range of steps, starting at 0.
Range range_of_x(const std::vector<Series>& all) {
  Range range{0, 1};
  for (const Series& series : all) {
    for (const auto& [x, y] : series.points) range.include(x);
  }
  return range;
}

// The bulk of every series, and the least value of all.
Scale scale_of_y(const std::vector<Series>& all) {
  Range range, every;
  bool whole = true;
  for (const Series& series : all) {
    std::vector<double> values;
    for (const auto& [x, y] : series.points) {
      if (std::isfinite(y)) values.push_back(y);
      whole = whole && !(y != std::round(y));
    }
    if (values.empty()) continue;
    std::ranges::sort(values);
    const auto off = static_cast<std::size_t>(kBulk * static_cast<double>(values.size()) + 0.5);
    range.include(values[off]);
    range.include(values[values.size() - 1 - off]);
    every.include(values.front());
  }
  if (range.empty()) return {Scale::Kind::linear, 0, 1};
  return Scale::for_values(range.low, range.high, every.low, whole);
}

class Chart {
 public:
  Chart(const std::vector<Series>& all, Scale::Kind x, double top)
      : top_(top), x_(x, range_of_x(all).low, range_of_x(all).high), y_(scale_of_y(all)) {}

  double bottom() const { return top_ + kPlotHeight; }
  double height() const { return bottom() + kBottom; }
  double place_x(double x) const { return kLeft + x_.place(x) * (kWidth - kLeft - kRight); }
  double place_y(double y) const { return bottom() - y_.place(y) * kPlotHeight; }

  std::string axes() const {
    std::string out;
    for (const Tick& tick : y_.ticks()) {
      const double y = place_y(tick.value);
      out += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
                         kWidth - kRight, y, y);
      out += fmt::format("<text class=\"label\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kLeft - 6, y + 4,
                         tick.text);
    }
    for (const Tick& tick : x_.ticks()) {
      const bool at_edge = place_x(tick.value) > kWidth - kRight - 12;
      out += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
                         place_x(tick.value), bottom() + 18, at_edge ? "end" : "middle", tick.text);
    }
    return out;
  }

  std::string mark(const ChartMark& mark) const {
    return fmt::format(
        "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"><title>{3}</title></line>",
        place_x(mark.x), top_ - 4, bottom(), escaped(mark.text));
  }

  std::string line(const Series& series, std::size_t index) const {
    std::string path, dots;
    bool pen_down = false;
    for (const auto& [x, y] : series.points) {
      if (!std::isfinite(y)) {
        pen_down = false;
        continue;
      }
      // Points far off the chart are clipped anyway, and some renderers cannot handle huge numbers.
      const double top = std::clamp(place_y(y), -3 * kPlotHeight, 4 * kPlotHeight);
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", place_x(x), top);
      pen_down = true;
      if (series.points.size() <= kFewPoints)
        dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>", place_x(x), top);
    }
    return fmt::format("<g class=\"series-{}\"><path d=\"{}\"/>{}</g>", index % kColours, path, dots);
  }

 private:
  double top_;
  Scale x_, y_;
};

std::string opening(const std::string& title, double height) {
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\"><text class=\"title\" x=\"{3}\" "
      "y=\"20\">{2}</text>",
      kWidth, height, escaped(title), kLeft);
}

std::string no_values(const std::string& title) {
  return opening(title, kTop + kPlotHeight + kBottom) +
         fmt::format("<text class=\"label\" x=\"{}\" y=\"{}\">no values</text></svg>\n", kLeft, kTop + kPlotHeight / 2);
}

// A name that fits a line: its middle gives way, since names of runs differ at their ends.
std::string shortened(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  const std::size_t half = (kLongestName - 3) / 2;
  return name.substr(0, half) + "..." + name.substr(name.size() - half);
}

struct Legend {
  std::string svg;
  double height = 0;
};

Legend legend(const std::vector<Series>& all) {
  if (all.size() < 2) return {};
  Legend made;
  double x = kLeft, y = kTop;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string name = shortened(all[i].name);
    const double width = kSwatch + kLetter * static_cast<double>(name.size()) + 12;
    if (x > kLeft && x + width > kWidth) {
      x = kLeft;
      y += kLegendLine;
    }
    made.svg += fmt::format(
        "<g class=\"series-{0}\"><path d=\"M{1:.1f} {2:.1f}h{3}\"/></g><text class=\"label\" x=\"{4:.1f}\" "
        "y=\"{5:.1f}\">{6}</text>",
        i % kColours, x, y, kSwatch - 5, x + kSwatch, y + 4, escaped(name));
    x += width;
  }
  made.height = y - kTop + kLegendLine;
  return made;
}

}  // namespace

bool has_values(const std::vector<Series>& series) {
  return std::ranges::any_of(series, [](const Series& one) {
    return std::ranges::any_of(one.points, [](const auto& point) { return std::isfinite(point.second); });
  });
}

bool is_constant(const std::vector<Series>& series, double& value) {
  if (!has_values(series)) return false;
  value = std::numeric_limits<double>::quiet_NaN();
  for (const Series& one : series) {
    for (const auto& [x, y] : one.points) {
      if (std::isnan(value)) value = y;
      if (!(y == value)) return false;
    }
  }
  return true;
}

bool is_measured_once(const std::vector<Series>& series) {
  return std::ranges::all_of(series, [](const Series& one) { return one.points.size() < 2; });
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string line_chart(const std::string& title, const std::vector<Series>& series, const std::vector<ChartMark>& marks,
                       ChartAxis axis) {
  if (!has_values(series)) return no_values(title);
  std::vector<Series> all;
  for (const Series& one : series) all.push_back(thinned(one));
  const Legend names = legend(all);
  const double top = kTop + names.height;
  const Chart chart(all, axis == ChartAxis::seconds ? Scale::Kind::seconds : Scale::Kind::whole, top);
  std::string out = opening(title, chart.height()) + names.svg + chart.axes();
  // A nested <svg> clips its content without an id; an id would have to be unique in the page.
  out += fmt::format("<svg x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" viewBox=\"{0} {1} {2} {3}\">", kLeft,
                     top - 4, kWidth - kLeft - kRight, kPlotHeight + 4);
  for (const ChartMark& mark : marks) out += chart.mark(mark);
  for (std::size_t i = 0; i < all.size(); ++i) out += chart.line(all[i], i);
  return out + "</svg></svg>\n";
}

std::string bar_chart(const std::string& title, const std::vector<double>& values) {
  if (values.empty()) return no_values(title);
  const auto count = static_cast<double>(values.size());
  const Chart chart({{"", {{0, 0}, {count, *std::ranges::max_element(values)}}}}, Scale::Kind::whole, kTop);
  const std::size_t pieces = std::min(values.size(), kMostPoints);
  std::string path = fmt::format("M{:.1f} {:.1f}", chart.place_x(0), chart.place_y(0));
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    const std::size_t first = piece * values.size() / pieces, last = (piece + 1) * values.size() / pieces;
    double sum = 0;
    for (std::size_t i = first; i < last; ++i) sum += values[i];
    path += fmt::format("V{:.1f}H{:.1f}", chart.place_y(sum / static_cast<double>(last - first)),
                        chart.place_x(static_cast<double>(last)));
  }
  path += fmt::format("V{:.1f}Z", chart.place_y(0));
  return opening(title, chart.height()) + chart.axes() +
         fmt::format("<g class=\"bars\"><path d=\"{}\"/></g></svg>\n", path);
}

}  // namespace loom::report
