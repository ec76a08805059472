// The keys of `autoregressive`: what is filled position by position.
#include "document/section.h"
#include "document/sections.h"

namespace loom {
namespace {

void read_given(const Value& value, const std::string& owner, AutoregressionEntry& entry, Diagnostics& diagnostics) {
  const OptionValue given = value.kind == Value::Kind::scalar ? scalar_value(value) : OptionValue();
  const auto* positions = std::get_if<std::int64_t>(&given);
  const auto* node = std::get_if<std::string>(&given);
  if (positions != nullptr && *positions >= 1)
    entry.given = *positions;
  else if (node != nullptr)
    entry.given_mask = {*node, "", value.where};
  else if (!value.broken)
    wrong_type(value, owner + ".given", "a number of positions, at least 1, or a node", diagnostics);
}

}  // namespace

const SectionType<AutoregressionEntry>& autoregression_section() {
  static const SectionType<AutoregressionEntry> section = [] {
    SectionType<AutoregressionEntry> s("autoregressive");
    s.form("input", "a node, or node.port", "the port that is filled position by position; zeros at first");
    s.form("from", "a node, or node.port",
           "the port that computes the value of a position, of the shape and element type of `input` (E207); it may "
           "depend on "
           "earlier positions of `input` only");
    s.form("given", "a number of positions, or a node",
           "what is kept of the values that feed the input: the first positions, in raster order, or those where an "
           "input node [N, positions] is not 0");
    s.key("axis", &AutoregressionEntry::axis, integer().at_least(1), "the first axis of the positions; the batch is 0");
    s.key(
        "axes", &AutoregressionEntry::axes, integer().at_least(0).at_most(3),
        "number of adjacent axes of the positions, in raster order; 0: all of the port is one position, drawn at once");
    return s;
  }();
  return section;
}

AutoregressionEntry read_autoregression(const Value& value, const std::string& owner, Diagnostics& diagnostics) {
  AutoregressionEntry entry;
  entry.where = value.where;
  Section section(value, owner + ".autoregressive", diagnostics);
  for (const auto& [key, reference] : {std::pair{"input", &entry.input}, std::pair{"from", &entry.from}}) {
    const Value& text = section.required(key);
    reference->where = text.where;
    section.read(key, reference->node);
    reference->reported = reference->node.empty();
  }
  if (const Value* given = section.get("given")) read_given(*given, section.what(), entry, diagnostics);
  autoregression_section().read(section, entry);
  section.finish();
  return entry;
}

}  // namespace loom
