#include "graph/sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formula/expression.h"

namespace loom {
namespace {

constexpr std::string_view kOpen = "${";

bool has_expression(const std::string& text) { return text.find(kOpen) != std::string::npos; }

struct NoValue {};  // of an option: reported, or not known yet

Reference reference_of(const std::string& text, const Location& where) {
  const std::size_t dot = text.rfind('.');
  return {text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1), where};
}

// f(text of an expression) in the place of each expression: a text for it, or of a whole text, any value.
template <class F>
OptionValue with_expressions(const std::string& text, const F& f) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t open = text.find(kOpen); open != std::string::npos; open = text.find(kOpen, at)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) break;
    const bool whole = open == 0 && close + 1 == text.size();
    const OptionValue value = f(text.substr(open + 2, close - open - 2), whole);
    if (whole) return value;
    result += text.substr(at, open - at) + value.text();
    at = close + 1;
  }
  return result + text.substr(at);
}

// f(text) in the place of each text with expressions, at any depth.
template <class F>
void map_texts(OptionValue& value, const F& f) {
  if (auto* text = std::get_if<std::string>(&value)) {
    if (has_expression(*text)) value = f(*text);
  } else if (auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    for (OptionValue& item : *list) map_texts(item, f);
  } else if (auto* map = std::get_if<OptionMap>(&value)) {
    for (OptionMember& member : *map) map_texts(member.value, f);
  }
}

template <class F>
void for_each_option(NodeEntry& entry, const F& f) {
  for (auto& [name, option] : entry.options) f(option);
  for (auto& [parameter, rule] : entry.init)
    for (auto& [name, option] : rule.options) f(option);
}

template <class F>
void map_options(NodeEntry& entry, const F& f) {
  for_each_option(entry, [&](OptionEntry& option) {
    try {
      map_texts(option.value, [&](const std::string& text) {
        return with_expressions(
            text, [&](const std::string& expression, bool whole) { return f(expression, whole, option.where); });
      });
    } catch (const NoValue&) {
      option.value = {};
    }
  });
}

double extent_of(const Shape& shape, double axis, formula::Span place, const std::string& port) {
  const int rank = shape.rank();
  const int index = static_cast<int>(axis < 0 ? axis + rank : axis);
  if (index > 0 && index < rank && shape[index] >= 0) return static_cast<double>(shape[index]);
  const bool samples = index == 0;
  formula::FormulaError problem(place, samples ? fmt::format("axis {} of '{}' is the batch", axis, port)
                                               : fmt::format("'{}' has no axis {}", port, axis));
  problem.code = ErrorCode::shape_mismatch;
  problem.got = shape.text();
  problem.expected = rank > 1 ? fmt::format("an axis of a sample, from 1 to {0} or from -1 to -{0}", rank - 1)
                              : "a port with more axes";
  if (samples) problem.hint = "batches have any size: nothing in a graph depends on it";
  throw problem;
}

}  // namespace

OptionValue number_option(double value) {
  if (std::floor(value) == value && std::abs(value) < 9e15) return OptionValue(static_cast<std::int64_t>(value));
  return OptionValue(value);
}

bool has_sizes(const OptionValue& value) {
  const auto in_member = [](const OptionMember& member) { return has_sizes(member.value); };
  const auto in_item = [](const OptionValue& item) { return has_sizes(item); };
  if (const auto* text = std::get_if<std::string>(&value)) return has_expression(*text);
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) return std::ranges::any_of(*list, in_item);
  const auto* map = std::get_if<OptionMap>(&value);
  return map != nullptr && std::ranges::any_of(*map, in_member);
}

bool has_sizes(const NodeEntry& entry) {
  const auto any = [](const std::map<std::string, OptionEntry>& options) {
    for (const auto& [name, option] : options)
      if (has_sizes(option.value)) return true;
    return false;
  };
  for (const auto& [parameter, rule] : entry.init)
    if (any(rule.options)) return true;
  return any(entry.options);
}

std::vector<Reference> sizes_of(const NodeEntry& entry) {
  std::vector<Reference> ports;
  NodeEntry copy = entry;
  map_options(copy, [&](const std::string& text, bool, const Location& where) {
    try {
      const formula::Expression expression(text);
      for (const formula::Expression::Word& port : expression.ports()) ports.push_back(reference_of(port.text, where));
    } catch (const Error&) {
      // It is found where the value is computed.
    }
    return OptionValue(text);
  });
  return ports;
}

void rename_sizes(NodeEntry& entry, const NewName& name) {
  map_options(entry, [&](const std::string& text, bool, const Location& where) {
    const auto same = [](const std::string& word) { return word; };
    const auto renamed = [&](const std::string& port) {
      const std::string now = name(reference_of(port, where));
      if (now.empty()) throw NoValue();
      return now;
    };
    try {
      return OptionValue("${" + formula::Expression(text).with(same, renamed) + "}");
    } catch (const Error&) {
      return OptionValue("${" + text + "}");
    }
  });
}

NodeEntry without_sizes(NodeEntry entry) {
  map_options(entry, [](const std::string&, bool whole, const Location&) {
    if (whole) throw NoValue();
    return OptionValue("1");
  });
  return entry;
}

bool resolve_sizes(NodeEntry& entry, const ShapeOf& shape, Diagnostics& diagnostics) {
  bool all = true;
  const auto none = [](const std::string&) { return 0.0; };
  map_options(entry, [&](const std::string& text, bool, const Location& where) {
    bool known = true;  // otherwise what is wrong with a port is reported
    const auto extent = [&](const formula::Expression::Word& port, double axis, formula::Span place) {
      const std::optional<Shape> found = shape(reference_of(port.text, where));
      known = known && found.has_value();
      return found ? extent_of(*found, axis, place, port.text) : 1;
    };
    try {
      const formula::Expression expression(text);
      if (!expression.names().empty()) {
        const formula::Expression::Word& word = expression.names().front();
        throw expression.error({word.span, fmt::format("there is no variable '{}' here", word.text)});
      }
      const double value = expression.value(none, extent);
      if (std::isfinite(value)) return number_option(value);
      throw expression.no_value();
    } catch (const Error& error) {
      Diagnostic finding = error.diagnostics().front();
      finding.where = where;
      finding.message = fmt::format("'{}': {}", entry.path, finding.message);
      if (known) diagnostics.add(Error(std::move(finding)));
    }
    all = false;
    throw NoValue();
  });
  return all;
}

}  // namespace loom
