// Matching of shape patterns: binds the letters of a node's patterns from its inputs and options, and evaluates the
// patterns of outputs and parameters.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loom/contract.h"
#include "loom/tensor.h"

namespace loom {

// One axis or run of a parsed pattern.
struct PatternItem {
  enum class Kind { letter, run, option, literal } kind;
  std::string name;         // letter, run or option
  std::int64_t number = 0;  // literal
};
std::vector<PatternItem> parse_pattern(std::string_view pattern);

class ShapeInference {
 public:
  // `inputs` has a shape for each connected input (index order); an unconnected optional one has none.
  ShapeInference(const Contract& contract, const Options& options, std::vector<std::optional<Shape>> inputs);

  // Matches the input patterns, runs `infer`, evaluates outputs and parameters. problems() lists the problems, if any,
  // and the input that each one concerns (-1: none).
  void run(const std::function<void(ShapeInference&)>& infer);

  struct Problem {
    int input;
    std::string message, got, expected;
    int other_input = -1;  // the input that it contradicts
  };
  const std::vector<Problem>& problems() const { return problems_; }
  const std::vector<Shape>& outputs() const { return output_shapes_; }
  const std::vector<std::optional<Shape>>& parameters() const { return parameter_shapes_; }
  const std::vector<std::optional<Shape>>& states() const { return state_shapes_; }
  const std::vector<std::optional<Shape>>& tallies() const { return tally_shapes_; }

  // For infer():
  const Contract& contract() const { return *contract_; }
  const Options& options() const { return *options_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int input_index(std::string_view port) const { return contract_->input_index(port); }
  bool has_input(std::string_view port) const;
  const Shape& input(std::string_view port) const;
  const Shape& input(int index) const { return *inputs_[static_cast<std::size_t>(index)]; }
  std::int64_t extent(const std::string& letter) const { return letters_.at(letter); }
  const std::vector<std::int64_t>& run_extents(const std::string& name) const { return runs_.at(name); }
  void bind(const std::string& letter, std::int64_t extent) { letters_[letter] = extent; }
  void bind_run(const std::string& name, std::vector<std::int64_t> extents) { runs_[name] = std::move(extents); }
  void output(std::string_view port, const Shape& shape) { fixed_outputs_[std::string(port)] = shape; }
  // Reports a broken rule: "[conv] the kernel (5) is larger than the padded input (3)".
  void fail(std::string message, std::string got = "", std::string expected = "", int input = -1);

 private:
  void match(int index, const PortDeclaration& port, const Shape& shape);
  std::string bound_at(const std::string& name) const;
  std::optional<Shape> evaluate(std::string_view pattern, std::string_view what);

  const Contract* contract_;
  const Options* options_;
  std::vector<std::optional<Shape>> inputs_;
  std::map<std::string, std::int64_t> letters_;
  std::map<std::string, std::vector<std::int64_t>> runs_;
  std::map<std::string, int> binders_;  // of each letter and run: the input that bound it
  std::map<std::string, Shape> fixed_outputs_;
  std::vector<Problem> problems_;
  std::vector<Shape> output_shapes_;
  std::vector<std::optional<Shape>> parameter_shapes_, state_shapes_, tally_shapes_;  // none: omitted by an option
};

}  // namespace loom
