// What stands between ${ and }: a formula of numbers alone, with the extents of ports, shape(PORT, AXIS), among them.
//
// Thread safety: values. Errors: throws Error with one diagnostic, whose excerpt shows the place.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formula/parse.h"

namespace loom::formula {

class Expression {
 public:
  struct Word {
    std::string text;
    Span span;
  };

  explicit Expression(std::string text);

  // The names that it reads, and the ports of shape(): each as often as it occurs, in the order of the text.
  const std::vector<Word>& names() const { return names_; }
  const std::vector<Word>& ports() const { return ports_; }

  // The text with other words in the place of its names and ports.
  using Replacement = std::function<std::string(const std::string&)>;
  std::string with(const Replacement& name, const Replacement& port) const;

  // Its value, given those of the names and extents. NaN if it has none. `extent` may throw FormulaError; the span is
  // that of the axis.
  using Number = std::function<double(const std::string&)>;
  using Extent = std::function<double(const Word& port, double axis, Span place)>;
  double value(const Number& number, const Extent& extent) const;

  // The diagnostic of an error at a place of the text.
  Error error(const FormulaError& problem) const;
  Error no_value() const;  // where the value is not finite

 private:
  void collect(const Term& term);
  double value(const Term& term) const;
  Term replaced(const Term& term, const Number& number, const Extent& extent) const;

  std::string text_;
  Term term_;
  std::vector<Word> names_, ports_;
};

}  // namespace loom::formula
