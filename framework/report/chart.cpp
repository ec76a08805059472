#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace loom::report {
namespace {

// The chart in user units; it is scaled to the width of the page.
constexpr double kRounding = 1e-9;  // relative; smaller differences of values are ignored
constexpr double kWidth = 440, kHeight = 230;
constexpr double kLeft = 58, kRight = 12, kTop = 34, kBottom = 26;
constexpr std::size_t kMostPoints = 300;  // points of a series
constexpr double kBulk = 0.02;            // share of values at each end that may be off the chart
constexpr double kPadding = 0.06;         // of the y range
constexpr std::size_t kFewPoints = 40;    // series up to this size have a dot per point

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

// The range of the bulk of every series.
Range range_of_y(const std::vector<Series>& all) {
  Range range;
  for (const Series& series : all) {
    std::vector<double> values;
    for (const auto& [x, y] : series.points) {
      if (std::isfinite(y)) values.push_back(y);
    }
    if (values.empty()) continue;
    std::ranges::sort(values);
    const auto off = static_cast<std::size_t>(kBulk * static_cast<double>(values.size()) + 0.5);
    range.include(values[off]);
    range.include(values[values.size() - 1 - off]);
  }
  if (range.empty()) return range;
  const double spread = range.high - range.low;
  // Means of equal values can differ in the last bits, which does not count as a spread.
  const bool flat = spread <= kRounding * std::max(std::abs(range.low), std::abs(range.high));
  const double padding = !flat ? spread * kPadding : std::max(1e-12, std::abs(range.low) * 0.1);
  return {range.low - padding, range.high + padding};
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < step * 1e-6) return "0";
  if (std::abs(value) >= 1e4 || step < 1e-3) return fmt::format("{:.3g}", value);
  return fmt::format("{:.{}f}", value, step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
}

class Chart {
 public:
  explicit Chart(const std::vector<Series>& all) : x_(range_of_x(all)), y_(range_of_y(all)) {}

  bool empty() const { return x_.empty() || y_.empty(); }
  double place_x(double x) const { return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight); }
  double place_y(double y) const {
    return kHeight - kBottom - (y - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  std::string axes() const {
    std::string out;
    const std::vector<double> rows = round_ticks(y_.low, y_.high, 4), columns = round_ticks(x_.low, x_.high, 4);
    const double row_step = rows.size() > 1 ? rows[1] - rows[0] : y_.high - y_.low,
                 column_step = columns.size() > 1 ? columns[1] - columns[0] : 1;
    for (const double y : rows) {
      out += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
                         kWidth - kRight, place_y(y), place_y(y));
      out += fmt::format("<text class=\"label\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kLeft - 6,
                         place_y(y) + 4, tick_text(y, row_step));
    }
    for (const double x : columns) {
      const bool at_edge = place_x(x) > kWidth - kRight - 12;
      out += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>", place_x(x),
                         kHeight - 8, at_edge ? "end" : "middle", tick_text(x, column_step));
    }
    return out;
  }

  std::string mark(const ChartMark& mark) const {
    return fmt::format(
        "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"><title>{3}</title></line>",
        place_x(mark.x), kTop - 4, kHeight - kBottom, escaped(mark.text));
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
      const double top = std::clamp(place_y(y), -2 * kHeight, 3 * kHeight);
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", place_x(x), top);
      pen_down = true;
      if (series.points.size() <= kFewPoints)
        dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>", place_x(x), top);
    }
    return fmt::format("<g class=\"series-{}\"><path d=\"{}\"/>{}</g>", index, path, dots);
  }

 private:
  Range x_, y_;
};

std::string opening(const std::string& title) {
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\"><text class=\"title\" x=\"{3}\" "
      "y=\"20\">{2}</text>",
      kWidth, kHeight, escaped(title), kLeft);
}

std::string no_values() {
  return fmt::format("<text class=\"label\" x=\"{}\" y=\"{}\">no values</text></svg>\n", kLeft, kHeight / 2);
}

std::string legend(const std::vector<Series>& all) {
  if (all.size() < 2) return "";
  std::string out;
  double right = kWidth - kRight;
  for (std::size_t i = all.size(); i-- > 0;) {
    out += fmt::format("<text class=\"label series-{}\" x=\"{:.1f}\" y=\"20\" text-anchor=\"end\">{}</text>", i, right,
                       escaped(all[i].name));
    right -= 10 + 7.5 * static_cast<double>(all[i].name.size());
  }
  return out;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  const double span = high - low;
  if (!(span > kRounding * std::max(std::abs(low), std::abs(high))) || !std::isfinite(span)) return {};
  const double rough = span / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step); k * step <= high + step * 1e-9; ++k) ticks.push_back(k * step);
  return ticks;
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

std::string line_chart(const std::string& title, const std::vector<Series>& series,
                       const std::vector<ChartMark>& marks) {
  std::vector<Series> all;
  for (const Series& one : series) all.push_back(thinned(one));
  const Chart chart(all);
  std::string out = opening(title);
  if (chart.empty()) return out + no_values();
  out += legend(all) + chart.axes();
  // A nested <svg> clips its content without an id; an id would have to be unique in the page.
  out += fmt::format("<svg x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" viewBox=\"{0} {1} {2} {3}\">", kLeft,
                     kTop - 4, kWidth - kLeft - kRight, kHeight - kTop - kBottom + 4);
  for (const ChartMark& mark : marks) out += chart.mark(mark);
  for (std::size_t i = 0; i < all.size(); ++i) out += chart.line(all[i], i);
  return out + "</svg></svg>\n";
}

std::string bar_chart(const std::string& title, const std::vector<double>& values) {
  if (values.empty()) return opening(title) + no_values();
  const auto count = static_cast<double>(values.size());
  const Chart chart({{"", {{0, 0}, {count, *std::ranges::max_element(values)}}}});
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
  return opening(title) + chart.axes() + fmt::format("<g class=\"bars\"><path d=\"{}\"/></g></svg>\n", path);
}

}  // namespace loom::report
