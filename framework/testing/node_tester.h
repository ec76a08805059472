// Tests one node without a graph around it: runs forward and backward over tensors of your choice, and checks what
// every node must keep to.
//
//   loom::testing::NodeTester tester(registry, "student_t_nll");
//   tester.option("nu", 4.0).random_input("mean", {5, 3}).random_input("target", {5, 3});
//   const loom::testing::Report report = tester.check();      // rules, gradients, shards at once
//   BOOST_TEST(report.ok(), report.text());
//
// The node is called through its contract objects only, as the framework calls it. What is checked on each run: forward
// writes every element of every output; backward writes every element of a wanted diff_input and adds to
// diff_parameter; nothing depends on what scratch memory held before.
//
// Thread safety: a tester belongs to one thread; shards run on threads of their own. Errors: setting up throws Error
// where options or shapes are wrong; findings about the node are collected in a Report.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/registry.h"

namespace loom::testing {

using Tensors = std::map<std::string, Tensor>;
struct NodeSetup;  // testing/node_setup.h

Tensor tensor_of(const Shape& shape, const std::vector<float>& values);
Tensor tensor_of(const Shape& shape, const std::vector<std::int32_t>& values);
// Standard normal values that depend on `seed` alone.
Tensor random_tensor(const Shape& shape, std::uint64_t seed, double scale = 1, double offset = 0);

// What a check found, in words a reader can act on.
struct Report {
  int checks = 0;
  std::vector<std::string> failures;

  bool ok() const { return failures.empty() && checks > 0; }
  std::string text() const;
  void add(const Report& other);
};

// max |a - b| / max |b| <= tolerance; a failure names the worst element.
void compare(Report& report, const std::string& what, const TensorView& got, const TensorView& expected,
             double tolerance);

struct DifferenceCheck {
  double tolerance = 2e-3;  // of the largest gradient of a tensor
  int elements = 24;        // of each tensor, and two more
  // After which no more than a few elements of each tensor are looked at.
  double seconds = std::numeric_limits<double>::infinity();
};

struct NodeResult {
  Tensors outputs;
  Tensors diff_inputs;  // of every differentiable input
  Tensors diff_parameters;
  Tensors states;  // after the run
  std::vector<std::string> broken_rules;
};

class NodeTester {
 public:
  NodeTester(const Registry& registry, const std::string& type);
  explicit NodeTester(std::shared_ptr<const NodeType> type);
  ~NodeTester();
  NodeTester(NodeTester&&) noexcept;
  NodeTester& operator=(NodeTester&&) noexcept;

  NodeTester& option(const std::string& name, OptionValue value);
  NodeTester& input(const std::string& port, Tensor value);  // the first axis holds the samples
  NodeTester& random_input(const std::string& port, const Shape& shape, double scale = 1, double offset = 0);
  // Fills every input that was not given, with extents that the declared patterns allow.
  NodeTester& random_inputs();
  NodeTester& parameter(const std::string& name, Tensor value);  // those not given are drawn at random
  NodeTester& state(const std::string& name, Tensor value);      // those not given start as declared
  NodeTester& evaluation();                                      // the default is training
  NodeTester& samples(std::int64_t count);                       // for nodes without inputs
  NodeTester& seed(std::uint64_t value);

  // Shapes as the graph would infer them; Error (shape_mismatch, or an option's code) lists every problem.
  std::vector<Shape> output_shapes();
  // The message of the Error that setting up throws: for tests of error cases. "" where nothing is wrong.
  std::string error();

  // Forward, and backward from `diff_outputs` (ports left out get zeros), over `shards` shards at once.
  NodeResult run(const Tensors& diff_outputs = {}, int shards = 1);
  // Backward from random gradients on every differentiable output.
  NodeResult run_random(int shards = 1);

  // backward against central differences of forward. Elements at which forward has a kink are left out.
  Report check_gradients(double tolerance = 2e-3, int elements = 24);
  Report check_gradients(const DifferenceCheck& settings);
  // `shards` shards on as many threads give what one shard gives; the inputs are repeated until there are enough
  // samples.
  Report check_shards(int shards = 16, double tolerance = 1e-5);
  // The same call twice gives the same bits.
  Report check_repeatable();
  Report check();  // all of these

  const Contract& contract() const;
  // For checks of other kinds, in this folder: the node with all its tensors, those not given drawn.
  NodeSetup setup() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom::testing
