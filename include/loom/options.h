// Option values of a node: declaration, checks and access.
//
// Ownership: Options is a value. Thread safety: reading is safe from many threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "loom/error.h"

namespace loom {

struct OptionMember;
using OptionMap = std::vector<OptionMember>;  // in the order of the text

// The value of an option in a document: a flag, an integer, a number, text, a list of these, or a map.
struct OptionValue
    : std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<OptionValue>, OptionMap> {
  using variant::variant;
  OptionValue(int value);          // NOLINT: literals read naturally
  OptionValue(const char* value);  // NOLINT
  bool empty() const { return index() == 0; }
  std::string text() const;  // as it would be written in YAML
};

struct OptionMember {
  std::string name;
  OptionValue value;
};
inline OptionValue::OptionValue(int value) : variant(static_cast<std::int64_t>(value)) {}
inline OptionValue::OptionValue(const char* value) : variant(std::string(value)) {}
bool operator==(const OptionMember& a, const OptionMember& b);
const OptionValue* find_member(const OptionMap& map, std::string_view name);  // null if there is none

// The values that an option accepts. Several kinds may be allowed at once: integer().or_text({"same", "causal"}).
class Constraint {
 public:
  Constraint& at_least(double minimum);
  Constraint& above(double minimum);
  Constraint& at_most(double maximum);
  Constraint& below(double maximum);
  Constraint& or_text(std::vector<std::string> choices);  // no choices: any text
  Constraint& or_list();                                  // a list whose elements follow the rule
  Constraint& or_number();
  Constraint& or_map(std::string form);  // a map of names and such values; `form` describes it in words
  Constraint& or_schedule();             // a map that names a registered schedule and its options

  bool number_allowed = false;
  bool integer_allowed = false;
  bool flag_allowed = false;
  bool text_allowed = false;
  bool list_allowed = false;
  bool scalar_allowed = true;  // false: only the list form
  std::vector<std::string> choices;
  std::optional<double> minimum, maximum;
  bool schedule_allowed = false;
  std::string map_form;   // a map is allowed: "a map of names and formulas"
  std::string structure;  // a part of a document with a form of its own: "a map of losses and weights"
  bool minimum_excluded = false, maximum_excluded = false;

  std::string text() const;  // "an integer >= 1, or one of same, causal"
  // The value converted to the declared kind (1 becomes 1.0 if a number is declared), or an empty value if it does not
  // fit, with the reason in `problem`; `range` is set for a value of the right kind outside the range.
  OptionValue accept(const OptionValue& value, std::string& problem, bool& range) const;
};

Constraint number();
Constraint integer();
Constraint flag();
Constraint text(std::vector<std::string> choices = {});
Constraint integer_list();
Constraint number_list();
Constraint at_least(double minimum);    // a number >= minimum
Constraint positive();                  // a number > 0
Constraint text_map(std::string form);  // a map of names and texts alone
// A key whose form the document layer reads itself; `form` describes the form in words.
Constraint structure(std::string form);

struct OptionDeclaration {
  std::string name;
  OptionValue default_value;  // empty: see `required`
  bool required = false;
  Constraint constraint;
  std::string doc;
  std::string unit;
  bool belongs_to_weights = false;
  OptionValue example_value;  // for checks of a type whose options are not given

  // A value that checks of the type use where none can be derived from the constraint.
  OptionDeclaration& example(OptionValue value) {
    example_value = std::move(value);
    return *this;
  }
  // Says what the node's weights or states mean or how they move: nodes that share them (`weights:`) must agree.
  OptionDeclaration& of_weights() {
    belongs_to_weights = true;
    return *this;
  }
};

// A node that another one implies, with its ports and options by the names of both: what draws from a likelihood, or from the
// prior of a divergence. Entries of `generate` that a document leaves out are made of such nodes.
struct RelatedNode {
  std::string type;  // "bernoulli_sampler"
  // An input of it, and the input or output of the declaring node whose values it reads. An input that is not connected
  // there is not connected here.
  std::vector<std::pair<std::string, std::string>> inputs = {};
  std::vector<std::pair<std::string, OptionValue>> options = {};  // set to these values
  std::vector<std::string> same_options = {};                     // have the values that the declaring node has
  std::vector<std::pair<std::string, std::string>> extents = {};  // an option, and the letter of a shape that it is
  bool same_weights = false;  // uses the declaring node's parameters and states, where that has any (`weights:`)
};

// What a node applies to its first output for an option: a node of another type, whose option `as` has the value. If that
// bends only at kinks (Contract::linear), its derivative at its result is that at what it is applied to.
struct FusedNode {
  std::string option, none;  // "activation"; "none": nothing is applied
  std::string type, as;      // "activation", "function"
};

// The options of one node after checking. Each declared option has a value, unless it has no default and was omitted.
class Options {
 public:
  void set(std::string name, OptionValue value) { values_[std::move(name)] = std::move(value); }
  bool has(const std::string& name) const;

  double number(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  bool flag(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  bool is_text(const std::string& name) const;
  bool is_list(const std::string& name) const;
  // A list, or a scalar repeated `count` times (count 0: a list of one).
  std::vector<std::int64_t> integers(const std::string& name, std::size_t count = 0) const;
  std::vector<double> numbers(const std::string& name, std::size_t count = 0) const;

  const std::map<std::string, OptionValue>& values() const { return values_; }

 private:
  const OptionValue& at(const std::string& name) const;  // throws Error(internal): the node asks for an undeclared one
  std::map<std::string, OptionValue> values_;
};

}  // namespace loom
