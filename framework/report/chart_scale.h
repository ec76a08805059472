// Axes of a chart: where a value stands between their ends, and the ticks, with their texts.
//
// Thread safety: values. Errors: none.
#pragma once

#include <string>
#include <vector>

namespace loom::report {

struct Tick {
  double value;
  std::string text;
};

// Round tick values inside [low, high], at most about `count` of them, at least `least` apart.
std::vector<double> round_ticks(double low, double high, double count, double least = 0);
// "0.25", "120", "12.5k", "3M": with as many digits as ticks so far apart need.
std::string tick_text(double value, double step);

class Scale {
 public:
  enum class Kind { linear, whole, seconds, logarithmic };  // whole: numbers that count something

  Scale(Kind kind, double low, double high);
  // For values of which the bulk lies in [low, high]: logarithmic where all are above 0 and spread over a factor of 30.
  // `whole`: all are whole numbers.
  static Scale for_values(double low, double high, double least, bool whole = false);

  Kind kind() const { return kind_; }
  double place(double value) const;  // 0 at the low end, 1 at the high one
  std::vector<Tick> ticks() const;

 private:
  Kind kind_;
  double low_, high_;
};

}  // namespace loom::report
