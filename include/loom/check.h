// Tests one node without a graph: runs forward and backward over tensors of your choice, and checks the rules that
// every node must follow.
//
//   loom::check::NodeTester tester(registry, "student_t_nll");
//   tester.option("nu", 4.0).random_input("mean", {5, 3}).random_input("target", {5, 3});
//   const loom::check::Report report = tester.check();      // rules, gradients, shards at once
//   BOOST_TEST(report.ok(), report.text());
//
// The node is called through its contract objects only, as the framework calls it. Each run checks three rules: forward
// writes every element of every output; backward writes every element of a requested diff_input and adds to
// diff_parameter; no result depends on the previous contents of scratch memory.
//
// Thread safety: a tester belongs to one thread; shards run on their own threads. Errors: setting up throws Error if
// options or shapes are wrong; diagnostics about the node are collected in a Report.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loom/plugin.h"
#include "loom/random.h"
#include "loom/tensor.h"

namespace loom::check {

using Tensors = std::map<std::string, Tensor>;
struct NodeSetup;  // check/node_setup.h

Tensor tensor_of(const Shape& shape, const std::vector<float>& values);
Tensor tensor_of(const Shape& shape, const std::vector<std::int32_t>& values);
// Standard normal values that depend on `seed` alone.
Tensor random_tensor(const Shape& shape, std::uint64_t seed, double scale = 1, double offset = 0);

// The result of a check, in words that a reader can act on.
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
  double tolerance = 2e-3;  // relative to the largest gradient of a tensor
  int elements = 24;        // elements of each tensor that are compared, and two more
  // The time after which only a few elements of each tensor are compared.
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
  NodeTester& parameter(const std::string& name, Tensor value);  // parameters not given are drawn at random
  NodeTester& state(const std::string& name, Tensor value);      // states not given start as declared
  NodeTester& evaluation();                                      // the default is training
  NodeTester& samples(std::int64_t count);                       // for nodes without inputs
  NodeTester& seed(std::uint64_t value);

  // Shapes as the graph would infer them; Error (shape_mismatch, or an option's code) lists every problem.
  std::vector<Shape> output_shapes();
  // The message of the Error that setting up throws, for tests of error cases; "" if nothing is wrong.
  std::string error();

  // Forward, and backward from `diff_outputs` (missing ports get zeros), over `shards` shards at once.
  NodeResult run(const Tensors& diff_outputs = {}, int shards = 1);
  // Backward from random gradients on every differentiable output.
  NodeResult run_random(int shards = 1);

  // Compares backward with central differences of forward. Elements at which forward has a kink are skipped.
  Report check_gradients(double tolerance = 2e-3, int elements = 24);
  Report check_gradients(const DifferenceCheck& settings);
  // `shards` shards on as many threads give the same result as one shard; the inputs are repeated until there are
  // enough samples.
  Report check_shards(int shards = 16, double tolerance = 1e-5);
  // The same call twice gives the same bits.
  Report check_repeatable();
  Report check();  // all of these

  const Contract& contract() const;
  // For the other checks of framework/check: the node with all its tensors; tensors not given are drawn.
  NodeSetup setup() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Compares a node with golden files: archives of the results of a reference implementation for small cases.
// tests/golden/README.md describes the names of the arrays: CASE/options, CASE/in/x, CASE/param/weight, CASE/out/y, ...
struct GoldenCheck {
  double tolerance = 1e-5;                               // max |a - b| / max |b|
  std::map<std::string, double> case_tolerance = {};     // for cases that need another tolerance
  std::map<std::string, std::string> option_names = {};  // the node's names of options with other names in the file
};

// All cases of `path`, an archive for the node type `type`. Throws Error(data_not_found) if there is no such file.
Report check_golden(const Registry& registry, const std::string& type, const std::string& path,
                    const GoldenCheck& check = {});

// Counts the heap allocations of the calling thread. The program that hosts the check provides it, since only an
// executable can see every allocation: see runner/allocation_counter.cpp.
struct Allocations {
  std::int64_t own = 0;
  std::int64_t library = 0;  // inside oneDNN, which builds an argument map in every execution of a primitive
};

class AllocationCounter {
 public:
  virtual ~AllocationCounter() = default;
  virtual void start() = 0;
  virtual Allocations stop() = 0;
};

// The checks of a type, one row per check: the table that `graph-runner check` prints.
struct CheckRow {
  enum class Result {
    passed,
    failed,
    noted,   // worth knowing, but not a failure
    skipped  // nothing to check, or nothing to check it with; `finding` says why
  };
  std::string check;  // "gradients"
  Result result = Result::passed;
  std::string finding;                                       // in words that a reader can act on
  double figure = std::numeric_limits<double>::quiet_NaN();  // the number in `finding`, if there is one
};

std::string_view result_text(CheckRow::Result result);  // "ok", "FAILED", "note", "skipped"

struct CheckTable {
  std::string type, kind, library;
  std::vector<std::string> examples;  // the options and shapes that it was checked with
  std::vector<std::string> outputs;   // "loss [N]"
  std::vector<CheckRow> rows;

  bool ok() const;                                     // nothing failed, and something was checked
  const CheckRow* find(std::string_view check) const;  // null if there is no such row
  std::string text() const;
  std::string failures() const;  // only the failed rows, one per line

  // Adds the result of one more example for a check: the worse result is kept, and of equal results the larger figure.
  void add(CheckRow row);
};

// Checks a type of a plugin as `graph-runner check` does. A node is built on small shapes derived from its declaration;
// its gradients are compared with central differences, shards with the whole batch, and many threads with one. A data
// set is opened and read twice.
//
//   const loom::check::CheckTable table = loom::check::check_type(registry.node("acme.huber"));
//   if (!table.ok()) std::puts(table.text().c_str());
//
// Thread safety: one thread (a check starts its own threads). Errors: the checks themselves never throw; an exception
// from the type is a failed row.
struct TypeCheck {
  Options options;                      // missing options have their defaults, or values of their declared range
  std::map<std::string, Shape> shapes;  // of inputs, samples first; missing inputs get small shapes that fit
  std::int64_t samples = 4;
  std::int64_t classes = 2;  // inputs of codes have values from 0 to classes - 1
  std::uint64_t seed = 1;
  bool training = true;  // false: in evaluation mode only
  bool strict = false;   // a call that allocates fails
  double tolerance = 2e-3;
  int elements = 24;  // elements of each tensor that are compared with differences
  int shards = 16, threads = 8;
  AllocationCounter* allocations = nullptr;  // null: not counted
};

CheckTable check_type(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings = {});
CheckTable check_type(const std::shared_ptr<const DatasetType>& type, const TypeCheck& settings = {});
CheckTable check_type(const std::shared_ptr<const OptimizerType>& type, const TypeCheck& settings = {});
CheckTable check_type(const std::shared_ptr<const ScheduleType>& type, const TypeCheck& settings = {});
CheckTable check_type(const std::shared_ptr<const MetricType>& type, const TypeCheck& settings = {});

// The test of a plugin: a program to which ctest passes the path of the plugin library.
//
//   int main(int argc, char** argv) {
//     loom::check::PluginTest test(argc, argv);
//     test.check("acme.huber");                                          // as graph-runner check does
//     auto node = test.node("acme.huber");
//     node.option("delta", 1.0).input("mean", ...).input("target", ...);
//     test.expect_values("loss", node.run().outputs.at("loss"), {0.5F, 2.5F});
//     return test.finish();
//   }
//
// Thread safety: one thread. Errors: the constructor prints what is wrong with the library and ends the program with
// exit code 1.
class PluginTest {
 public:
  PluginTest(int argc, char** argv);

  const Registry& registry() const { return *registry_; }
  NodeTester node(const std::string& type) const;

  // Everything that `graph-runner check` checks except allocations; the table is printed.
  void check(const std::string& type, const TypeCheck& settings = {});
  void expect(bool good, const std::string& what);
  void expect_values(const std::string& what, const TensorView& got, const std::vector<float>& expected,
                     double tolerance = 1e-5);
  int finish();  // prints what failed; returns the exit code

 private:
  std::unique_ptr<Registry> registry_;
  int checks_ = 0;
  std::vector<std::string> failures_;
};

}  // namespace loom::check
