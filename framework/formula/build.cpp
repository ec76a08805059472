#include "formula/build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "formula/axes.h"
#include "formula/functions.h"
#include "formula/hints.h"

namespace loom::formula {
namespace {

constexpr const char* kPi = "pi";
constexpr int kMaxOperations = 4000;
constexpr int kMaxDepth = 1000;  // operations that wait for another's operand

struct Failed {};  // of a part that is already reported

BlockOp op_of(const std::string& symbol) {
  if (symbol == "<" || symbol == ">") return BlockOp::less;
  if (symbol == "<=" || symbol == ">=") return BlockOp::less_equal;
  return symbol == "==" ? BlockOp::equal : BlockOp::not_equal;
}

class FormulaBuilder {
 public:
  FormulaBuilder(const FormulaSet& set, const std::vector<std::string>& names, const std::vector<Shape>& events)
      : set_(set), names_(names), lets_(set.lets.size()) {
    for (std::size_t i = 0; i < names.size(); ++i)
      built_.inputs.push_back(built_.list.input(static_cast<int>(i), events[i]));
  }

  Built build() {
    for (std::size_t i = 0; i < set_.lets.size(); ++i) attempt(set_.lets[i].formula, [&] { part(i, {}); });
    for (const Parsed& output : set_.outputs) {
      attempt(output.formula, [&] { built_.outputs.push_back(term(output.term)); });
    }
    if (!problems_.empty()) throw Error(std::move(problems_));
    return std::move(built_);
  }

 private:
  template <class Body>
  bool attempt(const Formula& formula, const Body& body) {
    try {
      body();
      return true;
    } catch (const FormulaError& error) {
      problems_.push_back(diagnostic_of(formula, error));
    } catch (const Failed&) {
    }
    depth_ = 0;
    return false;
  }

  // The value of a part under `let`, which may read others.
  Id part(std::size_t index, Span use) {
    Part& state = lets_[index];
    if (state.id != kNone) return state.id;
    if (state.failed) throw Failed();
    const Parsed& let = set_.lets[index];
    if (state.open) {
      FormulaError problem(use, fmt::format("'{}' is defined by itself", let.name));
      problem.expected = "parts under let that do not need each other in a circle";
      throw problem;
    }
    state.open = true;
    const int depth = depth_;
    const bool good = attempt(let.formula, [&] { state.id = term(let.term); });
    depth_ = depth;
    state.open = false;
    state.failed = !good;
    if (!good) throw Failed();
    return state.id;
  }

  Id term(const Term& term) {
    if (++depth_ > kMaxDepth || list().size() > kMaxOperations) {
      FormulaError problem(term.place, "the formula has too many operations");
      problem.expected = fmt::format("at most {} in a row, and {} in all", kMaxDepth, kMaxOperations);
      throw problem;
    }
    const Id id = value(term);
    --depth_;
    return id;
  }

  Id value(const Term& t) {
    switch (t.kind) {
      case Term::Kind::number: return list().constant(t.number);
      case Term::Kind::name: return name(t);
      case Term::Kind::unary: return list().affine(term(t.arguments[0]), -1, 0);
      case Term::Kind::binary: return binary(t);
      case Term::Kind::call: return call(t);
      case Term::Kind::extent: extent(t);
    }
    return kNone;
  }

  Id name(const Term& t) {
    const auto input = std::ranges::find(names_, t.word);
    if (input != names_.end()) return built_.inputs[static_cast<std::size_t>(input - names_.begin())];
    const auto let = std::ranges::find(set_.lets, t.word, &Parsed::name);
    if (let != set_.lets.end()) return part(static_cast<std::size_t>(let - set_.lets.begin()), t.span);
    if (t.word == kPi) return list().constant(std::numbers::pi);
    if (const Function* function = find_function(t.word, 1)) {
      FormulaError problem(t.span, fmt::format("'{}' is a function", t.word));
      problem.expected = std::string(function->form);
      throw problem;
    }
    unknown(t);
  }

  [[noreturn]] void unknown(const Term& t) const {
    const std::string why = why_no_name(t.word);
    if (!why.empty()) throw FormulaError(t.span, fmt::format("'{}' is no value: {}", t.word, why));
    FormulaError problem(t.span, fmt::format("there is no input '{}'", t.word));
    std::vector<std::string> known = names_;
    for (const Parsed& let : set_.lets) known.push_back(let.name);
    problem.expected =
        known.empty() ? "an input: in: {NAME: source}" : fmt::format("one of {}", fmt::join(known, ", "));
    problem.suggestion = nearest_name(t.word, known);
    if (problem.suggestion.empty()) problem.hint = fmt::format("in: {{{}: <node>}} connects it", t.word);
    throw problem;
  }

  Id binary(const Term& t) {
    const Id a = term(t.arguments[0]), b = term(t.arguments[1]);
    check_shapes(t, {a, b});
    const std::string& op = t.word;
    if (op == "+") return list().add(a, b);
    if (op == "-") return list().subtract(a, b);
    if (op == "*") return list().multiply(a, b);
    if (op == "/") return list().divide(a, b);
    if (op == "%") return remainder(a, b);
    if (op == "^") return list().power(a, b);
    if (op == "&&") return list().multiply(truth(a), truth(b));
    if (op == "||") return list().binary(BlockOp::maximum, truth(a), truth(b));
    return op[0] == '>' ? list().binary(op_of(op), b, a) : list().binary(op_of(op), a, b);
  }

  Id truth(Id a) { return list().binary(BlockOp::not_equal, a, list().constant(0)); }

  // With the sign of a, as fmod: a - b n, n being the whole part of a / b.
  Id remainder(Id a, Id b) {
    if (list().is_constant(a) && list().is_constant(b) && list()[b].p != 0)
      return list().constant(std::fmod(list()[a].p, list()[b].p));
    const Id ratio = list().divide(a, b), zero = list().constant(0);
    const Id down = list().unary(BlockOp::floor, ratio);
    const Id up = list().affine(list().unary(BlockOp::floor, list().affine(ratio, -1, 0)), -1, 0);
    return list().subtract(a, list().multiply(b, list().select(list().binary(BlockOp::less, ratio, zero), up, down)));
  }

  [[noreturn]] static void extent(const Term& t) {
    FormulaError problem(t.span, "shape() stands within ${...}");
    problem.expected = fmt::format("${{shape({}, ...)}}", t.word);
    problem.hint = "the size of an axis is known before the formula is read";
    throw problem;
  }

  void check_shapes(const Term& t, const std::vector<Id>& values) {
    Shape shape;
    int axis = 0;
    for (const Id id : values) {
      const Shape& next = list().shape(id);
      const Shape before = shape;
      if (broadcast(before, next, shape, axis)) continue;
      FormulaError problem(t.place, fmt::format("'{}': the shapes {} and {} cannot be broadcast", t.word,
                                                text_of(before), text_of(next)));
      problem.code = ErrorCode::shape_mismatch;
      problem.got = fmt::format("{} and {} on axis {}", before[before.rank() + axis], next[next.rank() + axis], axis);
      problem.expected = "equal extents, or 1, on each axis, counted from the last";
      throw problem;
    }
  }

  Id call(const Term& t) {
    const int arity = static_cast<int>(t.arguments.size());
    const Function* function = find_function(t.word, arity);
    if (function == nullptr) no_function(t);
    if (function->arity != arity) wrong_arity(t, *function);
    check_keywords(t, *function);
    Arguments arguments{list(), {}};
    for (const Term& argument : t.arguments) arguments.values.push_back(term(argument));
    check_shapes(t, arguments.values);
    const Shape shape = list().shape(arguments.values.front());
    if (function->kind == Function::Kind::reduction) arguments.axes = axes_of(t, shape);
    if (function->kind == Function::Kind::along) arguments.axis = axis_of(t, shape);
    arguments.keep = t.keep.value_or(false);
    return function->make(arguments);
  }

  [[noreturn]] void no_function(const Term& t) const {
    FormulaError problem(t.place, fmt::format("there is no function '{}'", t.word));
    std::vector<std::string> names;
    for (const Function& function : functions()) names.emplace_back(function.name);
    problem.expected = "a function; graph-runner inspect expr shows them";
    const bool is_value = std::ranges::find(names_, t.word) != names_.end();
    if (is_value)
      problem.hint = fmt::format("a product needs its sign: {} * (...)", t.word);
    else
      problem.hint = hint_for(t.word);
    if (problem.hint.empty()) problem.suggestion = nearest_name(t.word, names);
    throw problem;
  }

  [[noreturn]] static void wrong_arity(const Term& t, const Function& function) {
    const int given = static_cast<int>(t.arguments.size());
    const bool more = given > function.arity;
    const Span span = more ? t.arguments[static_cast<std::size_t>(function.arity)].span : t.place;
    FormulaError problem(span,
                         fmt::format("{} takes {} value{}", t.word, function.arity, function.arity == 1 ? "" : "s"));
    problem.got = fmt::format("{}", given);
    problem.expected = std::string(function.form);
    const auto is_axis = [](const Term& argument) {
      return argument.kind == Term::Kind::number || argument.kind == Term::Kind::unary;
    };
    if (more && function.kind != Function::Kind::values && is_axis(t.arguments.back()))
      problem.hint = fmt::format("an axis has its name: {}(x, axis=1)", t.word);
    throw problem;
  }

  static void check_keywords(const Term& t, const Function& function) {
    const auto refuse = [&](Span span, std::string message) {
      FormulaError problem(span, std::move(message));
      problem.expected = std::string(function.form);
      throw problem;
    };
    if (t.axes && function.kind == Function::Kind::values)
      refuse(t.axes_span, fmt::format("{} works value by value: it has no axis", t.word));
    if (t.keep && function.kind != Function::Kind::reduction)
      refuse(t.keep_span, fmt::format("{} removes no axes that it could keep", t.word));
  }

  Operations& list() { return built_.list; }

  struct Part {
    Id id = kNone;
    bool open = false, failed = false;
  };
  const FormulaSet& set_;
  const std::vector<std::string>& names_;
  std::vector<Part> lets_;
  Built built_;
  std::vector<Diagnostic> problems_;
  int depth_ = 0;
};

void collect_names(const Term& term, const std::set<std::string>& defined, std::vector<std::string>& names) {
  if (term.kind == Term::Kind::name && !defined.contains(term.word) && term.word != kPi && !is_function(term.word) &&
      std::ranges::find(names, term.word) == names.end())
    names.push_back(term.word);
  for (const Term& argument : term.arguments) collect_names(argument, defined, names);
}

Diagnostic bad_name(const std::string& option, const std::string& name, const std::string& why) {
  Diagnostic finding;
  finding.code = ErrorCode::bad_name;
  finding.message = fmt::format("'{}' cannot be a name here: {}", name, why);
  finding.expected = "a letter or '_', then letters, digits and '_'; no word of formulas";
  finding.option = option;
  return finding;
}

}  // namespace

std::string why_no_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 200 || !letter(name[0]) || !std::ranges::all_of(name, inner))
    return "formulas could not contain it";
  for (const char* word : {"axis", "keep"}) {
    if (name == word) return "formulas have this word";
  }
  return why_no_word(name);
}

std::string why_no_word(const std::string& word) {
  for (const char* known : {kPi, "true", "false"}) {
    if (word == known) return "formulas have this word";
  }
  return "";
}

std::vector<std::string> FormulaSet::free_names() const {
  std::set<std::string> defined;
  for (const Parsed& let : lets) defined.insert(let.name);
  std::vector<std::string> names;
  for (const Parsed& output : outputs) collect_names(output.term, defined, names);
  for (const Parsed& let : lets) collect_names(let.term, defined, names);
  return names;
}

FormulaSet parse_all(const NamedFormulas& formulas) {
  FormulaSet set;
  std::vector<Diagnostic> problems;
  const auto read = [&](const std::string& section, const auto& named, std::vector<Parsed>& parsed) {
    for (const auto& [name, text] : named) {
      const bool single = section == "outputs" && formulas.single;
      const Formula formula{single ? name : fmt::format("{}.{}", section, name), text};
      const std::string why = section == "let" ? why_no_name(name) : "";
      if (!why.empty()) problems.push_back(bad_name(formula.option, name, why));
      try {
        parsed.push_back({formula, name, parse(text)});
      } catch (const FormulaError& error) {
        problems.push_back(diagnostic_of(formula, error));
      }
    }
  };
  read("let", formulas.lets, set.lets);
  read("outputs", formulas.outputs, set.outputs);
  if (!problems.empty()) throw Error(std::move(problems));
  return set;
}

Built build(const FormulaSet& set, const std::vector<std::string>& inputs, const std::vector<Shape>& events) {
  return FormulaBuilder(set, inputs, events).build();
}

}  // namespace loom::formula
