// Line charts as inline SVG, in colours that a page's style sheet gives: classes grid, label, series-0, series-1, ...
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loom::report {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x rising; a y that is not finite is a gap
};

// A place on the x axis where something happened.
struct ChartMark {
  double x;
  std::string text;
};

// Many points become means over equal pieces of x. The y axis shows the bulk of the values: a spike runs off the top.
// Marks are upright lines, whose text shows when pointed at.
std::string line_chart(const std::string& title, const std::vector<Series>& series,
                       const std::vector<ChartMark>& marks = {});

// Bars from 0 up, side by side, in the order of the values; many become means over equal pieces.
std::string bar_chart(const std::string& title, const std::vector<double>& values);

// Round tick values inside [low, high], about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

// &, <, >, " and ' for HTML and XML.
std::string escaped(const std::string& text);

}  // namespace loom::report
