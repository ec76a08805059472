#include "document/chain.h"

#include <fmt/format.h>

#include "document/section.h"

namespace loom {

std::optional<std::vector<Link>> links_of(Value& instance, const Member& member, const Variables& variables,
                                          TextBudget& budget, Diagnostics& diagnostics) {
  Value* in = instance.find("in");
  std::vector<Link> links;
  Value* chain = instance.find("chain");
  if (chain != nullptr && !chain->is_null()) {
    substitute(*chain, variables, budget, diagnostics);
    std::vector<std::pair<const Value*, std::string>> names;  // the input and the output
    for (const Value& item : chain->items) names.emplace_back(&item, item.scalar);
    std::vector<Value> keys(chain->members.size());
    for (std::size_t k = 0; k < keys.size(); ++k) {
      keys[k].scalar = chain->members[k].key;
      keys[k].where = chain->members[k].where;
      names.emplace_back(&keys[k], chain->members[k].value.scalar);
    }
    for (const auto& [input, output] : names) {
      Value* source = in != nullptr && in->is_map() ? in->find(input->scalar) : nullptr;
      if (source != nullptr && source->kind == Value::Kind::scalar && !output.empty()) {
        links.push_back({source, output});
        continue;
      }
      diagnostics
          .add(ErrorCode::missing_key, input->where,
               fmt::format("'{}' is chained through '{}', which `in` does not name", member.key, input->scalar))
          .expected = fmt::format("in: {{{}: <node>}}", input->scalar);
      return std::nullopt;
    }
    if (!names.empty() || chain->kind == Value::Kind::sequence) return links;
    wrong_type(*chain, "chain", "a list of inputs, or a map from inputs to outputs", diagnostics);
    return std::nullopt;
  }
  Value* first = in == nullptr                                             ? nullptr
                 : in->is_map() && !in->members.empty()                    ? &in->members.front().value
                 : in->kind == Value::Kind::sequence && !in->items.empty() ? &in->items.front()
                                                                           : in;
  if (first != nullptr && first->kind == Value::Kind::scalar) return std::vector<Link>{{first, ""}};
  diagnostics
      .add(ErrorCode::missing_key, member.where,
           fmt::format("'{}' is repeated and has no input to chain through", member.key))
      .expected = "in: <node>, or chain: [] for instances that stand side by side";
  return std::nullopt;
}

}  // namespace loom
