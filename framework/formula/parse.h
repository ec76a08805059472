// Reads a formula: a recursive descent that keeps the place of every word.
//
//   formula:     either [ ? formula : formula ]
//   either:      both { || both }
//   both:        comparison { && comparison }
//   comparison:  sum [ < | <= | > | >= | == | != sum ]
//   sum:         product { + | - product }
//   product:     unary { * | / | % unary }
//   unary:       { - | + } power
//   power:       primary [ ^ | ** unary ]
//   primary:     number | name | name ( arguments ) | ( formula ) | shape ( PORT , formula )
//   arguments:   formula { , formula } { , axis = AXIS | , axis = [ AXIS, ... ] | , keep [= true | = false] }
//
// Thread safety: a pure function. Errors: throws FormulaError.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formula/formula_error.h"

namespace loom::formula {

// An operation of the text, as a tree.
struct Term {
  enum class Kind { number, name, unary, binary, call, extent };  // extent: shape(PORT, AXIS)
  struct Axis {
    std::int64_t number;
    Span span;
  };

  Kind kind = Kind::number;
  std::string word;  // the name, the operator, the function or the port
  double number = 0;
  std::vector<Term> arguments;
  std::optional<std::vector<Axis>> axes;  // of a call: axis=
  std::optional<bool> keep;               // of a call
  Span span;                              // the whole term
  Span place;                             // its operator, name or port
  Span axes_span, keep_span;
};

inline constexpr std::size_t kMaxText = 16384;  // bytes of a formula
inline constexpr int kMaxNesting = 64;          // brackets inside each other

Term parse(std::string_view text);

}  // namespace loom::formula
