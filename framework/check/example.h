// A small example of the use of a node type, derived from its declaration: values for options without a default,
// shapes for inputs, and input values in the declared ranges.
//
// Two things cannot be derived: an option that accepts any text (a path), and shapes that satisfy a rule of infer()
// which no small number, list or number of axes meets by chance. The caller must then give --set or --shape.
#pragma once

#include <string>

#include "loom/check.h"

namespace loom::check {

struct Example {
  NodeTester tester;
  std::string text;  // "mean [4, 5, 6], target [4, 5, 6]; nu 3, sigma 1"
};

// With or without the optional inputs. Throws the Error of the most natural attempt if no attempt fits.
Example find_example(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings, bool optional_inputs);

// A value for an option without a default, `size` if any integer is allowed; empty if none can be derived.
OptionValue example_value(const OptionDeclaration& option, std::int64_t size, int list);

}  // namespace loom::check
