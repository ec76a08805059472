#include "loom/shape_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "loom/error.h"

namespace loom {
namespace {

std::string describe(std::int64_t extent) { return Shape({extent}).text(); }

// The items of a pattern; names of options with known values are replaced by the values.
std::vector<PatternItem> resolve(std::string_view pattern, const Options& options) {
  std::vector<PatternItem> items = parse_pattern(pattern);
  for (PatternItem& item : items) {
    if (item.kind != PatternItem::Kind::option || !options.has(item.name)) continue;
    item.number = options.integer(item.name);
    item.kind = PatternItem::Kind::literal;
  }
  return items;
}

}  // namespace

std::vector<PatternItem> parse_pattern(std::string_view pattern) {
  std::vector<PatternItem> items;
  std::size_t i = 0;
  while (i < pattern.size()) {
    const char c = pattern[i];
    if (c == '[' || c == ']' || c == ',' || c == ' ') {
      ++i;
      continue;
    }
    const bool is_run = pattern.substr(i, 3) == "...";
    if (is_run) i += 3;
    std::size_t end = i;
    while (end < pattern.size() && (std::isalnum(static_cast<unsigned char>(pattern[end])) != 0 || pattern[end] == '_'))
      ++end;
    if (end == i && !is_run)
      throw Error(ErrorCode::internal, fmt::format("the shape pattern '{}' cannot be read", pattern));
    const std::string word(pattern.substr(i, end - i));
    PatternItem item{PatternItem::Kind::letter, word, 0};
    if (is_run) {
      item.kind = PatternItem::Kind::run;
    } else if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) {
      item.kind = PatternItem::Kind::literal;
      std::from_chars(word.data(), word.data() + word.size(), item.number);
    } else if (std::islower(static_cast<unsigned char>(word[0])) != 0) {
      item.kind = PatternItem::Kind::option;
    }
    items.push_back(std::move(item));
    i = end;
  }
  return items;
}

ShapeInference::ShapeInference(const Contract& contract, const Options& options,
                               std::vector<std::optional<Shape>> inputs)
    : contract_(&contract), options_(&options), inputs_(std::move(inputs)) {}

void ShapeInference::fail(std::string message, std::string got, std::string expected, int input) {
  problems_.push_back({input, std::move(message), std::move(got), std::move(expected)});
}

bool ShapeInference::has_input(std::string_view port) const {
  const int index = contract_->input_index(port);
  return index >= 0 && index < input_count() && inputs_[static_cast<std::size_t>(index)].has_value();
}

const Shape& ShapeInference::input(std::string_view port) const { return input(contract_->input_index(port)); }

void ShapeInference::match(int index, const PortDeclaration& port, const Shape& shape) {
  const std::vector<PatternItem> items = resolve(port.pattern, *options_);
  const auto is_run = [](const PatternItem& item) { return item.kind == PatternItem::Kind::run; };
  const auto runs = std::count_if(items.begin(), items.end(), is_run);
  const int fixed = static_cast<int>(items.size()) - static_cast<int>(runs);
  const std::string port_name = contract_->input_name(index);
  const auto mismatch = [&](const std::string& why, const std::string& bound = "") {
    fail(fmt::format("input '{}': {}", port_name, why), shape.text(), port.pattern, index);
    problems_.back().other_input = index;  // no other input is involved
    if (const auto binder = binders_.find(bound); binder != binders_.end())
      problems_.back().other_input = binder->second;
  };
  if (runs == 0 ? shape.rank() != fixed : shape.rank() < fixed) return mismatch("wrong number of axes");
  int axis = 0;
  for (const PatternItem& item : items) {
    if (is_run(item)) {
      const int length = shape.rank() - fixed;
      const auto extents = shape.extents().subspan(static_cast<std::size_t>(axis), static_cast<std::size_t>(length));
      const std::vector<std::int64_t> run(extents.begin(), extents.end());
      if (item.name.empty()) {  // "...": any axes
        axis += length;
        continue;
      }
      const auto [it, fresh] = runs_.emplace(item.name, run);
      if (fresh) binders_["..." + item.name] = index;
      if (!fresh && it->second != run) {
        return mismatch(fmt::format("...{} is {} here and {} at {}", item.name, Shape(run).text(),
                                    Shape(it->second).text(), bound_at("..." + item.name)),
                        "..." + item.name);
      }
      axis += length;
      continue;
    }
    const std::int64_t extent = shape[axis++];
    if (item.kind == PatternItem::Kind::literal) {
      if (extent != item.number) return mismatch(fmt::format("axis {} must be {}", axis - 1, item.number));
      continue;
    }
    if (item.name == "N" && extent > 0) return mismatch("the first axis must run over the samples of the batch");
    if (item.name != "N" && extent < 0)
      return mismatch(fmt::format("axis {} must not run over the samples of the batch", axis - 1));
    const auto [it, fresh] = letters_.emplace(item.name, extent);
    if (fresh) binders_[item.name] = index;
    if (!fresh && it->second != extent) {
      return mismatch(fmt::format("{} is {} here and {} at {}", item.name, describe(extent), describe(it->second),
                                  bound_at(item.name)),
                      item.name);
    }
  }
}

std::string ShapeInference::bound_at(const std::string& name) const {
  const auto it = binders_.find(name);
  return it != binders_.end() ? "input '" + contract_->input_name(it->second) + "'" : "an earlier input";
}

std::optional<Shape> ShapeInference::evaluate(std::string_view pattern, std::string_view what) {
  Shape shape;
  for (const PatternItem& item : resolve(pattern, *options_)) {
    if (item.kind == PatternItem::Kind::run) {
      const auto it = runs_.find(item.name);
      if (it == runs_.end()) {
        fail(fmt::format("the shape of {} needs ...{}, which nothing binds", what, item.name));
        return std::nullopt;
      }
      for (std::int64_t extent : it->second) shape.push_back(extent);
      continue;
    }
    if (item.kind == PatternItem::Kind::literal) {
      shape.push_back(item.number);
      continue;
    }
    const auto it = letters_.find(item.name);
    if (it == letters_.end() && item.name == "N") {  // a source of samples: an input node, a prior
      shape.push_back(kBatch);
    } else if (it == letters_.end()) {
      fail(fmt::format("the shape of {} needs {}, which nothing binds", what, item.name));
      return std::nullopt;
    } else {
      shape.push_back(it->second);
    }
  }
  return shape;
}

void ShapeInference::run(const std::function<void(ShapeInference&)>& infer) {
  for (int i = 0; i < input_count(); ++i) {
    if (inputs_[static_cast<std::size_t>(i)]) match(i, contract_->input_at(i), input(i));
  }
  if (!problems_.empty()) return;
  if (infer) infer(*this);
  if (!problems_.empty()) return;
  for (const PortDeclaration& port : contract_->outputs()) {
    const auto fixed = fixed_outputs_.find(port.name);
    output_shapes_.push_back(fixed != fixed_outputs_.end()
                                 ? fixed->second
                                 : evaluate(port.pattern, "output '" + port.name + "'").value_or(Shape()));
  }
  const auto evaluate_all = [&](const std::vector<ParameterDeclaration>& declarations, const char* kind) {
    std::vector<std::optional<Shape>> shapes;
    for (const ParameterDeclaration& declaration : declarations) {
      const bool present = (!declaration.condition || declaration.condition(*options_)) &&
                           (declaration.input.empty() || has_input(declaration.input));
      shapes.push_back(present ? evaluate(declaration.pattern, fmt::format("{} '{}'", kind, declaration.name))
                               : std::nullopt);
    }
    return shapes;
  };
  parameter_shapes_ = evaluate_all(contract_->parameters(), "parameter");
  state_shapes_ = evaluate_all(contract_->states(), "state");
  tally_shapes_ = evaluate_all(contract_->tallies(), "tally");
}

}  // namespace loom
