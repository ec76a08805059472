// A small example of a node type's use, derived from its declaration: values for options without a default, shapes for
// inputs, and values that the inputs are declared to make sense for.
//
// What cannot be derived: an option that is any text (a path), and rules of infer() that no small number, list or
// number of axes happens to meet. Then whoever checks gives --set or --shape.
#pragma once

#include <string>

#include "loom/check.h"

namespace loom::check {

struct Example {
  NodeTester tester;
  std::string text;  // "mean [4, 5, 6], target [4, 5, 6]; nu 3, sigma 1"
};

// With or without the inputs that may be left unconnected. Throws the Error of the most natural attempt where none
// fits.
Example find_example(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings, bool optional_inputs);

// A value for an option that has no default, `size` where an integer is free; empty where none can be derived.
OptionValue example_value(const OptionDeclaration& option, std::int64_t size, int list);

}  // namespace loom::check
