#include "document/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace loom {
namespace {

constexpr std::size_t kMostEnds = 8;  // positions of a cycle that a diagnostic shows

// Names that expressions can use.
bool check_variable(const Member& member, Diagnostics& diagnostics) {
  const std::string& name = member.key;
  bool good = !name.empty() && name.size() <= 100 && std::isdigit(static_cast<unsigned char>(name[0])) == 0;
  for (const char c : name) good = good && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  const std::string taken = good ? reserved_as(name) : "";
  if (good && taken.empty()) return true;
  Diagnostic& finding = diagnostics.add(ErrorCode::bad_name, member.where, "this cannot be the name of a variable");
  finding.got = name.substr(0, 60) + (taken.empty() ? "" : ", which is " + taken);
  finding.expected = taken.empty() ? "letters, digits and '_', not starting with a digit, at most 100"
                                   : "a name that expressions do not define";
  return false;
}

// Evaluates variables after those that they use: a depth-first walk with an explicit stack, so any depth is possible.
class Resolver {
 public:
  Resolver(Variables& variables, TextBudget& budget, Diagnostics& diagnostics)
      : variables_(variables), budget_(budget), diagnostics_(diagnostics) {}

  void add(const Member& member, const Value& value) {
    if (nodes_.emplace(member.key, Node{&member, &value, {}, 0, Mark::open, false}).second)
      order_.push_back(member.key);
  }

  void run() {
    for (const std::string& name : order_) {
      if (nodes_.at(name).mark == Mark::open) visit(name);
    }
  }

 private:
  enum class Mark { open, waiting, done };
  struct Node {
    const Member* member;
    const Value* value;
    std::vector<std::string> uses;
    std::size_t next;  // of `uses`
    Mark mark;
    bool in_circle;
  };

  void enter(const std::string& name) {
    Node& node = nodes_.at(name);
    node.mark = Mark::waiting;
    if (node.value->kind == Value::Kind::scalar) node.uses = names_used(node.value->scalar);
    path_.push_back(name);
  }

  void visit(const std::string& first) {
    enter(first);
    while (!path_.empty()) {
      Node& node = nodes_.at(path_.back());
      if (node.next == node.uses.size()) {
        evaluate(path_.back(), node);
        path_.pop_back();
        continue;
      }
      const auto used = nodes_.find(node.uses[node.next++]);
      if (used == nodes_.end()) continue;
      if (used->second.mark == Mark::open)
        enter(used->first);
      else if (used->second.mark == Mark::waiting)
        report_circle(used->first);
    }
  }

  void report_circle(const std::string& name) {
    const auto first = std::find(path_.begin(), path_.end(), name);
    bool said = false;
    for (auto it = first; it != path_.end(); ++it) said = std::exchange(nodes_.at(*it).in_circle, true) || said;
    if (said) return;
    const Location where = nodes_.at(name).value->where;
    Diagnostic& finding =
        diagnostics_.add(ErrorCode::unknown_variable, where, "the variables depend on each other in a cycle");
    for (auto it = first; it != path_.end(); ++it) finding.got += *it + " -> ";
    finding.got += name;
    finding.expected = "variables that do not depend on themselves";
    for (auto it = first + 1; it != path_.end() && it - first <= static_cast<std::ptrdiff_t>(kMostEnds); ++it)
      finding.add_end(nodes_.at(*it).value->where, fmt::format("'{}' is", *it));
  }

  void evaluate(const std::string& name, Node& node) {
    node.mark = Mark::done;
    OptionValue& result = variables_[name];
    if (node.in_circle) return;
    Value value = *node.value;
    substitute(value, variables_, budget_, diagnostics_);
    if (value.broken) return;
    if (value.kind == Value::Kind::scalar) {
      result = scalar_value(value);
      return;
    }
    Diagnostic& finding = diagnostics_.add(ErrorCode::wrong_type, value.where,
                                           fmt::format("the variable '{}' has the wrong type", node.member->key));
    finding.got = value.kind_name();
    finding.expected = "a number or a text";
  }

  Variables& variables_;
  TextBudget& budget_;
  Diagnostics& diagnostics_;
  std::map<std::string, Node> nodes_;
  std::vector<std::string> order_, path_;
};

// The variables that a use sets but its block does not declare.
void check_given(const Value& given, const Value* declared, const Variables& variables, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  for (const Member& member : given.members) {
    if (variables.count(member.key) > 0) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::unknown_variable, member.where,
                                          fmt::format("the block has no variable '{}'", member.key));
    for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
    if (names.empty()) finding.expected = "no vars";
    finding.suggestion = nearest_name(member.key, names);
    finding.other = declared != nullptr ? declared->where : Location{};
    finding.other_role = "the block's vars";
  }
}

}  // namespace

Variables evaluate_variables(const Value* declared, const Value* given, TextBudget& budget, Diagnostics& diagnostics,
                             const std::string& scope) {
  Variables variables;
  variables.scope = scope;
  for (const Value* map : {declared, given}) {
    if (map == nullptr || map->is_map() || map->is_null() || map->broken) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, map->where, "vars has the wrong type");
    finding.got = map->kind_name();
    finding.expected = "a map of names and values";
  }
  Resolver resolver(variables, budget, diagnostics);
  if (declared != nullptr) {
    for (const Member& member : declared->members) {
      if (!check_variable(member, diagnostics)) {
        variables[member.key];  // expressions that use it are not reported
        continue;
      }
      const Value* replaced = given != nullptr ? given->find(member.key) : nullptr;
      resolver.add(member, replaced != nullptr ? *replaced : member.value);
    }
  }
  resolver.run();
  if (given != nullptr) check_given(*given, declared, variables, diagnostics);
  return variables;
}

}  // namespace loom
