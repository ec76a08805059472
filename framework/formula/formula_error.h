// An error in a formula, with its place in the text.
//
// Thread safety: values.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "loom/error.h"

namespace loom::formula {

// Bytes [begin, end) of a text.
struct Span {
  int begin = 0, end = 0;
};

// One formula of a node, and the option in which it stands: "y", "outputs.log_det", "let.m".
struct Formula {
  std::string option;
  std::string text;
};

// Thrown while a formula is read; it becomes a Diagnostic where the formula is known.
struct FormulaError : std::exception {
  FormulaError(Span place, std::string what) : span(place), message(std::move(what)) {}
  const char* what() const noexcept override { return message.c_str(); }

  Span span;
  std::string message, got = {}, expected = {}, suggestion = {}, hint = {};
  ErrorCode code = ErrorCode::bad_formula;
};

Diagnostic diagnostic_of(const Formula& formula, const FormulaError& error);

// The line of the text that holds the span, and a line with carets below it.
std::string excerpt_of(std::string_view text, Span span);

}  // namespace loom::formula
