// Line charts as inline SVG, in colours that a page's style sheet gives: classes grid, label, series-0 to series-7, ...
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

enum class ChartAxis { steps, seconds };

// Many points become means over equal pieces of x. The y axis shows the bulk of the values: a spike runs off the top; it
// is logarithmic where the values are above 0 and spread over a factor of 30. Marks are upright lines, whose text shows
// when pointed at. The legend stands below the title, in as many lines as it needs.
std::string line_chart(const std::string& title, const std::vector<Series>& series,
                       const std::vector<ChartMark>& marks = {}, ChartAxis axis = ChartAxis::steps);
// Whether there is a finite value to draw.
bool has_values(const std::vector<Series>& series);
// The value that all points of all series have; none where they differ or there is none.
bool is_constant(const std::vector<Series>& series, double& value);
// Whether no series has a second point: nothing to draw a line through.
bool is_measured_once(const std::vector<Series>& series);

// Bars from 0 up, side by side, in the order of the values; many become means over equal pieces.
std::string bar_chart(const std::string& title, const std::vector<double>& values);

// &, <, >, " and ' for HTML and XML.
std::string escaped(const std::string& text);

}  // namespace loom::report
