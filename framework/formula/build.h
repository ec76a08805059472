// The operations of a node's formulas, for inputs of given shapes.
//
// Thread safety: pure functions. Errors: each throws one Error with all problems that it finds; their Diagnostic::option
// says in which formula, their excerpt where in it.
#pragma once

#include <string>
#include <vector>

#include "formula/operations.h"
#include "formula/parse.h"

namespace loom::formula {

struct Parsed {
  Formula formula;
  std::string name;  // of the output, or of the part
  Term term;
};

// The formulas of a node, read.
struct FormulaSet {
  std::vector<Parsed> lets, outputs;

  std::vector<std::string> free_names() const;  // those that inputs must have, each once, in the order of the texts
};

struct NamedFormulas {
  std::vector<std::pair<std::string, std::string>> lets, outputs;  // names and texts, in their order
  bool single = false;  // the output stands under its own name ("y"), and not under `outputs`
};

FormulaSet parse_all(const NamedFormulas& formulas);

// Why an input, an output or a part of a formula may not have this name; "" if it may. It may be that of a function, which
// has brackets after it.
std::string why_no_name(const std::string& name);

// Why a word without brackets is no name of a value in any formula or ${...}; "" if it may be.
std::string why_no_word(const std::string& word);

struct Built {
  Operations list;
  std::vector<Id> inputs;  // each input, whether a formula reads it or not
  std::vector<Id> outputs;
};

Built build(const FormulaSet& set, const std::vector<std::string>& inputs, const std::vector<Shape>& events);

}  // namespace loom::formula
