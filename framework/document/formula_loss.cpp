#include "document/formula_loss.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

constexpr const char *kFormulaKey = "expr", *kFormulaType = "expr", *kFormulaOutput = "y", *kTypeKey = "type";

void set_member(Value& map, const char* key, const Location& where, Value value) {
  std::erase_if(map.members, [&](const Member& member) { return member.key == key; });
  map.members.push_back({key, where, std::move(value)});
}

void expand_formula(Value& loss) {
  const auto formula =
      std::ranges::find_if(loss.members, [](const Member& member) { return member.key == kFormulaKey; });
  const Location where = formula->where;
  Value text = std::move(formula->value), type;
  std::erase_if(loss.members, [](const Member& member) { return member.key == kFormulaKey; });
  type.kind = Value::Kind::scalar;
  type.scalar = kFormulaType;
  type.where = where;
  set_member(loss, kTypeKey, where, std::move(type));
  set_member(loss, kFormulaOutput, where, std::move(text));
}

template <class Function>
void for_each_formula(Value& root, const Function& f) {
  Value* losses = root.is_map() ? root.find("losses") : nullptr;
  if (losses == nullptr || !losses->is_map()) return;
  for (Member& loss : losses->members) {
    const Value* formula = loss.value.is_map() ? loss.value.find(kFormulaKey) : nullptr;
    if (formula != nullptr && !formula->is_null()) f(loss);
  }
}

}  // namespace

void expand_formula_losses(Value& root, Diagnostics& diagnostics) {
  for_each_formula(root, [&](Member& loss) {
    for (const char* key : {kTypeKey, "of", kFormulaOutput, "outputs"}) {
      const auto other = std::ranges::find_if(loss.value.members, [&](const Member& m) { return m.key == key; });
      if (other == loss.value.members.end() || other->value.is_null()) continue;
      Diagnostic& finding = diagnostics.add(
          ErrorCode::unknown_key, other->where,
          fmt::format("the loss '{}' has both 'expr' and '{}': the formula is the loss", loss.key, key));
      finding.expected = fmt::format("one of expr, {}", key);
      finding.other = loss.value.find(kFormulaKey)->where;
      finding.other_role = "the formula";
    }
    expand_formula(loss.value);
  });
}

void replace_formulas(Value& root) {
  for_each_formula(root, [](Member& loss) { expand_formula(loss.value); });
}

}  // namespace loom
