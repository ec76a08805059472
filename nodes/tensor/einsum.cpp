// A sum of products over named axes, in Einstein's notation: "nij,njk->nik" multiplies matrices. Each letter is an axis; those
// that are not in the result are summed over; a letter twice in one factor takes its diagonal. The first letter of every
// factor and of the result is the batch, since samples stay apart.
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <optional>

#include "tensor/product_node.h"

namespace {

using namespace loom::nodes;

struct Equation {
  std::vector<std::string> factors;
  std::string result;
  std::string problem, expected;  // "" where the text is an equation

  explicit Equation(const std::string& text) {
    const std::size_t arrow = text.find("->");
    if (arrow != std::string::npos)
      read(text, arrow);
    else
      fail("the equation has no result", "factors, '->' and the result: nij,njk->nik");
  }

 private:
  void read(const std::string& text, std::size_t arrow) {
    factors.emplace_back();
    for (const char c : text.substr(0, arrow)) {
      if (c == ',')
        factors.emplace_back();
      else if (!take(c, factors.back()))
        return;
    }
    for (const char c : text.substr(arrow + 2))
      if (!take(c, result)) return;
    check_letters();
  }
  void fail(std::string what, std::string wanted) {
    problem = std::move(what);
    expected = std::move(wanted);
  }
  bool take(char c, std::string& letters) {
    if (c == ' ') return true;
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      fail(fmt::format("'{}' names no axis", c), "one letter for each axis");
      return false;
    }
    letters += c;
    return true;
  }
  void check_letters() {
    for (const std::string* term : terms()) {
      if (term->empty()) return fail("a term of the equation has no axes", "the batch first: n, or nij");
      const char batch = factors.front().front();
      if (term->front() != batch || term->find(batch, 1) != std::string::npos)
        return fail(fmt::format("the batch is '{}', and '{}' does not have it as its first axis alone", batch, *term),
                    "the same first letter in every term");
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
      bool known = false;
      for (const std::string& factor : factors) known = known || factor.find(result[i]) != std::string::npos;
      if (!known) return fail(fmt::format("'{}' of the result is in no factor", result[i]), "a letter of a factor");
      if (result.find(result[i], i + 1) != std::string::npos)
        return fail(fmt::format("'{}' is twice in the result", result[i]), "each letter once");
    }
  }
  std::vector<const std::string*> terms() const {
    std::vector<const std::string*> all;
    for (const std::string& factor : factors) all.push_back(&factor);
    all.push_back(&result);
    return all;
  }
};

// The axes of an equation for given shapes: a number for each letter.
struct NamedAxes {
  std::vector<std::int64_t> extents;
  std::array<int, 128> axis_of{};  // from 1; 0: the letter does not occur

  // The extent that contradicts an earlier one, if any.
  std::optional<std::int64_t> bind(char letter, std::int64_t extent) {
    int& axis = axis_of[static_cast<std::size_t>(letter)];
    if (axis == 0) {
      extents.push_back(extent);
      axis = static_cast<int>(extents.size());
    }
    const std::int64_t known = extents[static_cast<std::size_t>(axis - 1)];
    return known == extent ? std::nullopt : std::optional(known);
  }
  std::int64_t extent(char letter) const {
    return extents[static_cast<std::size_t>(axis_of[static_cast<std::size_t>(letter)] - 1)];
  }
  Strides strides(const std::string& letters) const {
    std::vector<int> axes;
    for (const char letter : letters) axes.push_back(axis_of[static_cast<std::size_t>(letter)] - 1);
    return strides_of(axes, extents);
  }
};

class Einsum final : public ProductNode {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A sum of products over named axes, in Einstein's notation");
    c.inputs("x", "[N, ...]", "the factors, in the order of the equation");
    c.output("y", "[N, ...]", "the axes of the result");
    c.option("equation", loom::required, loom::text(),
             "a letter for each axis, the batch first in every term: nij,njk->nik; letters that the result lacks are "
             "summed over")
        .example("nab,nac->nbc");
    c.backward_reads({"x"});
    c.linear_in_each();
  }

  static void infer(loom::ShapeInference& s) {
    const std::string& text = s.options().text("equation");
    const Equation equation(text);
    if (!equation.problem.empty()) return s.fail(equation.problem, text, equation.expected);
    if (static_cast<int>(equation.factors.size()) != s.input_count()) {
      return s.fail("the equation has another number of factors than the node has inputs",
                    fmt::format("{} factors, {} inputs", equation.factors.size(), s.input_count()), "as many of both");
    }
    NamedAxes axes;
    for (int i = 0; i < s.input_count(); ++i) {
      const std::string& letters = equation.factors[static_cast<std::size_t>(i)];
      const loom::Shape& shape = s.input(i);
      if (shape.rank() != static_cast<int>(letters.size()))
        return s.fail(fmt::format("'{}' has another number of axes than its input", letters), shape.text(),
                      fmt::format("{} axes, with the batch", letters.size()), i);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        if (const auto known = axes.bind(letters[static_cast<std::size_t>(axis)], shape[axis])) {
          return s.fail(fmt::format("'{}' has two extents", letters[static_cast<std::size_t>(axis)]), shape.text(),
                        fmt::format("{}, as elsewhere in the equation", loom::Shape({*known}).text()), i);
        }
      }
    }
    loom::Shape y;
    for (const char letter : equation.result) y.push_back(axes.extent(letter));
    s.output("y", y);
  }

  explicit Einsum(const loom::Options& o) : equation_(o.text("equation")) {}

  ProductAxes axes(const loom::Prepare& p) const override {
    NamedAxes named;
    for (std::size_t i = 0; i < equation_.factors.size(); ++i) {
      for (std::size_t axis = 0; axis < equation_.factors[i].size(); ++axis)
        named.bind(equation_.factors[i][axis], p.input(static_cast<int>(i))[static_cast<int>(axis)]);
    }
    ProductAxes all{named.extents, {}, named.strides(equation_.result)};
    for (const std::string& factor : equation_.factors) all.factors.push_back(named.strides(factor));
    return all;
  }

 private:
  Equation equation_;
};
LOOM_NODE(Einsum, "einsum")

}  // namespace
