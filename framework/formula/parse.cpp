#include "formula/parse.h"

#include <fmt/format.h>

#include <utility>

#include "formula/tokens.h"

namespace loom::formula {
namespace {

bool is_comparison(const Token& token) {
  for (const char* symbol : {"<", "<=", ">", ">=", "==", "!="}) {
    if (token.is(symbol)) return true;
  }
  return false;
}

class FormulaParser {
 public:
  explicit FormulaParser(std::string_view text) : lexer_(text) {}

  Term parse_all() {
    if (next().kind == Token::Kind::end) {
      FormulaError problem(next().span, "the formula is empty");
      problem.expected = "a formula, as in \"(1 - t) * z + t * e\"";
      throw problem;
    }
    Term term = formula();
    if (next().kind != Token::Kind::end) unexpected_rest();
    return term;
  }

 private:
  const Token& next() const { return lexer_.next(); }

  [[noreturn]] void unexpected_rest() {
    const Token token = next();
    FormulaError problem(token.span, fmt::format("{} is not expected here", token.described()));
    problem.expected = "an operator, or the end";
    if (token.is(")")) problem.hint = "there is no '(' that it closes";
    if (token.is("=")) problem.hint = "a comparison is ==; names for parts of a formula stand under let, or under vars";
    if (token.is(",")) problem.hint = "several results stand under outputs";
    if (token.kind == Token::Kind::name || token.kind == Token::Kind::number || token.is("("))
      problem.hint = "a product needs its sign: a * b";
    throw problem;
  }

  static Term binary(Term left, const Token& op, Term right) {
    Term term;
    term.kind = Term::Kind::binary;
    term.word = op.text == "**" ? "^" : op.text;
    term.place = op.span;
    term.span = {left.span.begin, right.span.end};
    term.arguments.push_back(std::move(left));
    term.arguments.push_back(std::move(right));
    return term;
  }

  Term formula() {
    Term condition = either();
    if (!next().is("?")) return condition;
    const Nesting guard(*this);
    const Token mark = lexer_.take();
    Term choice;
    choice.kind = Term::Kind::call;
    choice.word = "where";
    choice.place = mark.span;
    choice.arguments.push_back(std::move(condition));
    choice.arguments.push_back(formula());
    if (!next().is(":")) {
      FormulaError problem(next().span, fmt::format("{} is not expected here", next().described()));
      problem.expected = "condition ? a : b";
      throw problem;
    }
    lexer_.take();
    choice.arguments.push_back(formula());
    choice.span = {choice.arguments.front().span.begin, choice.arguments.back().span.end};
    return choice;
  }

  Term either() {
    Term left = both();
    while (next().is("||")) {
      const Token op = lexer_.take();
      left = binary(std::move(left), op, both());
    }
    return left;
  }

  Term both() {
    Term left = comparison();
    while (next().is("&&")) {
      const Token op = lexer_.take();
      left = binary(std::move(left), op, comparison());
    }
    return left;
  }

  Term comparison() {
    Term left = sum();
    if (!is_comparison(next())) return left;
    const Token op = lexer_.take();
    Term right = sum();
    if (is_comparison(next())) {
      FormulaError problem(next().span, "comparisons cannot be chained");
      problem.hint = "a value between two others: a < x && x < b";
      throw problem;
    }
    return binary(std::move(left), op, std::move(right));
  }

  Term sum() {
    Term left = product();
    while (next().is("+") || next().is("-")) {
      const Token op = lexer_.take();
      left = binary(std::move(left), op, product());
    }
    return left;
  }

  Term product() {
    Term left = unary();
    while (next().is("*") || next().is("/") || next().is("%")) {
      const Token op = lexer_.take();
      left = binary(std::move(left), op, unary());
    }
    return left;
  }

  Term unary() {
    if (!next().is("-") && !next().is("+")) return power();
    const Nesting guard(*this);
    const Token op = lexer_.take();
    Term operand = unary();
    if (op.is("+")) return operand;
    Term term;
    term.kind = Term::Kind::unary;
    term.word = op.text;
    term.place = op.span;
    term.span = {op.span.begin, operand.span.end};
    term.arguments.push_back(std::move(operand));
    return term;
  }

  Term power() {
    Term base = primary();
    if (!next().is("^") && !next().is("**")) return base;
    const Nesting guard(*this);
    const Token op = lexer_.take();
    return binary(std::move(base), op, unary());
  }

  Term primary() {
    const Token token = next();
    if (token.kind == Token::Kind::number) {
      lexer_.take();
      Term term;
      term.number = token.number;
      term.span = term.place = token.span;
      return term;
    }
    if (token.kind == Token::Kind::name) return name();
    if (token.is("(")) return bracket();
    FormulaError problem(token.span, fmt::format("{} is not expected here", token.described()));
    problem.expected = "a number, a name, a function or a '('";
    throw problem;
  }

  Term bracket() {
    const Nesting guard(*this);
    const Token open = lexer_.take();
    Term inner = formula();
    close(open, ")");
    return inner;
  }

  void close(const Token& open, const char* symbol) {
    if (next().is(symbol)) return void(lexer_.take());
    if (next().kind == Token::Kind::end) {
      FormulaError problem(open.span, fmt::format("this '{}' is not closed", open.text));
      problem.expected = fmt::format("'{}' before the end", symbol);
      throw problem;
    }
    FormulaError problem(next().span, fmt::format("{} is not expected here", next().described()));
    problem.expected = fmt::format("an operator, ',' or '{}'", symbol);
    if (next().kind != Token::Kind::symbol || next().is("(")) problem.hint = "a product needs its sign: a * b";
    throw problem;
  }

  Term name() {
    const Token word = lexer_.take();
    Term term;
    term.kind = Term::Kind::name;
    term.word = word.text;
    term.span = term.place = word.span;
    if (!next().is("(")) return term;
    const Nesting guard(*this);
    if (word.text == "shape") return extent(word);
    term.kind = Term::Kind::call;
    const Token open = lexer_.take();
    while (!next().is(")")) {
      argument(term);
      if (!next().is(",")) break;
      lexer_.take();
      if (next().is(")")) {
        FormulaError problem(next().span, "an argument is missing after the comma");
        problem.expected = "an argument";
        throw problem;
      }
    }
    term.span.end = next().span.end;
    close(open, ")");
    return term;
  }

  // shape(PORT, AXIS), whose port is a reference of the document.
  Term extent(const Token& word) {
    const Token open = next();
    const Token port = lexer_.take_port();
    Term term;
    term.kind = Term::Kind::extent;
    term.word = port.text;
    term.place = port.span;
    if (port.text.empty() || !next().is(",")) {
      FormulaError problem(port.text.empty() ? port.span : next().span, "shape() takes a port and an axis");
      problem.expected = "shape(NODE, AXIS) or shape(NODE.PORT, AXIS); axis 1 is the first of a sample, -1 the last";
      throw problem;
    }
    lexer_.take();
    term.arguments.push_back(formula());
    term.span = {word.span.begin, next().span.end};
    close(open, ")");
    return term;
  }

  void argument(Term& call) {
    const Token word = next();
    const bool keep = word.text == "keep" && !call.arguments.empty();  // alone it is the name of a value
    if (word.kind == Token::Kind::name && (word.text == "axis" || keep)) return named_argument(call);
    if (call.axes || call.keep) {
      FormulaError problem(word.span, "values stand before axis= and keep");
      problem.expected = fmt::format("{}(x, axis=..., keep)", call.word);
      throw problem;
    }
    call.arguments.push_back(formula());
    if (!next().is("=")) return;
    FormulaError problem(call.arguments.back().span, "there is no argument of this name");
    problem.expected = "axis= or keep";
    throw problem;
  }

  void named_argument(Term& call) {
    const Token word = lexer_.take();
    const bool axis = word.text == "axis";
    if (axis ? call.axes.has_value() : call.keep.has_value())
      throw FormulaError(word.span, fmt::format("'{}' is given twice", word.text));
    (axis ? call.axes_span : call.keep_span) = word.span;
    if (axis) {
      if (!next().is("=")) expected_after(word, "axis=NUMBER or axis=[NUMBER, ...]");
      lexer_.take();
      call.axes.emplace();
      axes(*call.axes);
      return;
    }
    call.keep = true;
    if (!next().is("=")) return;
    lexer_.take();
    const Token value = next();
    if (value.text != "true" && value.text != "false") expected_after(word, "keep, keep=true or keep=false");
    call.keep = lexer_.take().text == "true";
  }

  [[noreturn]] void expected_after(const Token& word, const char* expected) {
    FormulaError problem(next().span, fmt::format("{} is not expected after '{}'", next().described(), word.text));
    problem.expected = expected;
    throw problem;
  }

  void axes(std::vector<Term::Axis>& list) {
    if (!next().is("[")) return list.push_back(one_axis());
    const Token open = lexer_.take();
    while (true) {
      list.push_back(one_axis());
      if (!next().is(",")) break;
      lexer_.take();
    }
    close(open, "]");
  }

  Term::Axis one_axis() {
    Span span = next().span;
    const bool negative = next().is("-");
    if (negative) lexer_.take();
    const Token number = next();
    span.end = number.span.end;
    const bool whole =
        number.kind == Token::Kind::number && number.text.find_first_not_of("0123456789") == std::string::npos;
    if (!whole || number.number > 1000) {
      FormulaError problem(span, "an axis is a whole number");
      problem.got = number.described();
      problem.expected = "1 for the first axis of a sample, -1 for the last";
      throw problem;
    }
    lexer_.take();
    const auto value = static_cast<std::int64_t>(number.number);
    return {negative ? -value : value, span};
  }

  // Counts the levels that are open.
  struct Nesting {
    explicit Nesting(FormulaParser& parser) : parser_(parser) {
      if (++parser.depth_ <= kMaxNesting) return;
      FormulaError problem(parser.next().span, "the formula is nested too deeply");
      problem.expected = fmt::format("at most {} levels", kMaxNesting);
      problem.hint = "give parts of it names, under let";
      throw problem;
    }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    FormulaParser& parser_;
  };

  Lexer lexer_;
  int depth_ = 0;
};

}  // namespace

Term parse(std::string_view text) {
  if (text.size() > kMaxText) {
    FormulaError problem({0, 1}, "the formula is too long");
    problem.got = fmt::format("{} bytes", text.size());
    problem.expected = fmt::format("at most {} bytes", kMaxText);
    throw problem;
  }
  return FormulaParser(text).parse_all();
}

}  // namespace loom::formula
