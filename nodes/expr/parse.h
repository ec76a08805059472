// Reads a formula: a recursive descent that keeps the place of every word.
//
//   comparison:  sum [ < | <= | > | >= | == | != sum ]
//   sum:         product { + | - product }
//   product:     unary { * | / unary }
//   unary:       { - | + } power
//   power:       primary [ ^ | ** unary ]
//   primary:     number | name | name ( arguments ) | ( comparison )
//   arguments:   comparison { , comparison } { , axis = AXIS | , axis = [ AXIS, ... ] | , keep [= true | = false] }
//
// Thread safety: a pure function. Errors: throws FormulaError.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/formula_error.h"

namespace loom::nodes::formula {

// An operation of the text, as a tree.
struct Term {
  enum class Kind { number, name, unary, binary, call };
  struct Axis {
    std::int64_t number;
    Span span;
  };

  Kind kind = Kind::number;
  std::string word;  // the name, the operator or the function
  double number = 0;
  std::vector<Term> arguments;
  std::optional<std::vector<Axis>> axes;  // of a call: axis=
  std::optional<bool> keep;               // of a call
  Span span;                              // the whole term
  Span place;                             // its operator or name
  Span axes_span, keep_span;
};

inline constexpr std::size_t kMaxText = 16384;  // bytes of a formula
inline constexpr int kMaxNesting = 64;          // brackets inside each other

Term parse(std::string_view text);

}  // namespace loom::nodes::formula
