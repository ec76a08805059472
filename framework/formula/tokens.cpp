#include "formula/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace loom::formula {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Symbols that other languages have, and what to write here.
struct Foreign {
  std::string_view symbol;
  const char* hint;
};
constexpr auto kForeign =
    std::to_array<Foreign>({{"&", "both of two: a && b"},
                            {"|", "an absolute value is abs(x); one of two: a || b"},
                            {"!", "for numbers that are 0 or 1: 1 - a"},
                            {"@", "a matrix product is a node: linear, or multiply and sum"},
                            {"=", "a comparison is ==; names for parts of a formula stand under let"},
                            {"$", "${...} is replaced before the formula is read: use its braces"},
                            {"{", "${...} is replaced before the formula is read: use its dollar sign"},
                            {".", "the port of a node is connected under in, with a name of its own"},
                            {";", "several results stand under outputs"}});

}  // namespace

std::string Token::described() const { return kind == Kind::end ? "the end" : fmt::format("'{}'", text); }

Token Lexer::take() {
  Token token = std::move(next_);
  advance();
  return token;
}

void Lexer::advance() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
  next_ = Token{};
  next_.span = {static_cast<int>(at_), static_cast<int>(at_)};
  if (at_ == text_.size()) return;
  const char c = text_[at_];
  const bool point = c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
  if (is_digit(c) || point) return number();
  if (!starts_name(c)) return symbol();
  std::size_t end = at_;
  while (end < text_.size() && (starts_name(text_[end]) || is_digit(text_[end]))) ++end;
  next_.kind = Token::Kind::name;
  next_.text = text_.substr(at_, end - at_);
  at_ = end;
  next_.span.end = static_cast<int>(at_);
}

Token Lexer::take_port() {
  Token port;
  while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  const std::size_t begin = at_;
  at_ = std::min(text_.find_first_of(",)", begin), text_.size());
  std::size_t end = at_;
  while (end > begin && text_[end - 1] == ' ') --end;
  port.kind = Token::Kind::name;
  port.text = text_.substr(begin, end - begin);
  port.span = {static_cast<int>(begin), static_cast<int>(end)};
  advance();
  return port;
}

void Lexer::number() {
  const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
  const auto [stop, error] = std::from_chars(begin, end, next_.number);
  const Span span{static_cast<int>(at_), static_cast<int>(stop - text_.data())};
  if (error != std::errc()) {
    FormulaError problem(span, "this number is out of range");
    problem.expected = "a number that a double holds";
    throw problem;
  }
  if (stop != end && (starts_name(*stop) || *stop == '.')) {
    const char* rest = stop;
    while (rest != end && (starts_name(*rest) || is_digit(*rest) || *rest == '.')) ++rest;
    FormulaError problem({span.begin, static_cast<int>(rest - text_.data())}, "this is neither a number nor a name");
    problem.got = std::string(begin, rest);
    problem.expected = "a number, as 2, 0.5 or 1e-3";
    if (starts_name(*stop))
      problem.hint =
          fmt::format("a product needs its sign: {} * {}", std::string(begin, stop), std::string(stop, rest));
    throw problem;
  }
  next_.kind = Token::Kind::number;
  next_.text = std::string(begin, stop);
  next_.span = span;
  at_ = static_cast<std::size_t>(span.end);
}

void Lexer::symbol() {
  static constexpr auto kSymbols =
      std::to_array<std::string_view>({"<=", ">=", "==", "!=", "**", "&&", "||", "+", "-", "*", "/", "%",
                                       "^",  "<",  ">",  "(",  ")",  "[",  "]",  ",", "=", "?", ":"});
  const std::string_view rest = text_.substr(at_);
  for (const std::string_view symbol : kSymbols) {
    if (!rest.starts_with(symbol)) continue;
    next_.kind = Token::Kind::symbol;
    next_.text = symbol;
    at_ += symbol.size();
    next_.span.end = static_cast<int>(at_);
    return;
  }
  std::size_t length = 1;
  while (length < rest.size() && (static_cast<unsigned char>(rest[length]) >> 6) == 2) ++length;
  refuse({static_cast<int>(at_), static_cast<int>(at_ + length)});
}

void Lexer::refuse(Span span) const {
  const std::string got(
      text_.substr(static_cast<std::size_t>(span.begin), static_cast<std::size_t>(span.end - span.begin)));
  FormulaError problem(span, fmt::format("'{}' has no meaning in a formula", got));
  problem.expected = "numbers, names, + - * / % ^, < <= > >= == !=, && ||, a ? b : c, brackets and commas";
  for (const Foreign& foreign : kForeign) {
    if (foreign.symbol == got) problem.hint = foreign.hint;
  }
  throw problem;
}

}  // namespace loom::formula
