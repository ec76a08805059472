// The words of a formula.
//
// Thread safety: a Lexer belongs to one thread. Errors: throws FormulaError.
#pragma once

#include <string>
#include <string_view>

#include "formula/formula_error.h"

namespace loom::formula {

struct Token {
  enum class Kind { end, number, name, symbol };
  Kind kind = Kind::end;
  std::string text;
  double number = 0;
  Span span;

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  std::string described() const;  // as a message says it
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  const Token& next() const { return next_; }
  Token take();
  // After a '(' that is next and is taken as well: all up to a ',' or ')', as the name of a port.
  Token take_port();

 private:
  void advance();
  void number();
  void symbol();
  [[noreturn]] void refuse(Span span) const;

  std::string_view text_;
  std::size_t at_ = 0;
  Token next_;
};

}  // namespace loom::formula
