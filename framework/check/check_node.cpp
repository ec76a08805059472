// The checks of a node: each takes the example's setup and adds a row to the table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>

#include "check/example.h"
#include "check/gradient_setup.h"
#include "check/node_call.h"
#include "check/window_check.h"
#include "loom/check.h"
#include "loom/error.h"
#include "loom/math.h"
#include "run/algorithms.h"

namespace loom::check {
namespace {

using Result = CheckRow::Result;

constexpr double kShardTolerance = 1e-5;
constexpr double kBf16Tolerance = 3e-2;  // operands of 8 bits, and results
constexpr int kRounds = 20;              // number of rounds with many threads, and of timed calls

class NodeCheck {
 public:
  NodeCheck(NodeSetup setup, const TypeCheck& settings, CheckTable& table)
      : setup_(std::move(setup)), settings_(settings), table_(table), backward_(asks_for_gradients()) {}

  void run() {
    guarded("finite", [&] { check_finite(); });
    guarded("gradients", [&] { check_gradients(); });
    guarded("second derivative", [&] { check_second_derivative(); });
    guarded("repeat", [&] { check_repeat(); });
    guarded("shards", [&] { check_shards(); });
    guarded("threads", [&] { check_threads(); });
    guarded("bf16", [&] { check_bf16(); });
    guarded("windows", [&] { check_time(); });
    guarded("allocations", [&] { check_cost(); });
    add("memory", broken_.empty() ? Result::passed : Result::failed,
        broken_.empty() ? "every element is written, gradients are added to sums" : broken_.front());
  }

 private:
  template <class Body>
  void guarded(const char* check, const Body& body) {
    try {
      body();
    } catch (const Error& error) {
      const bool differentiable = error.code() != ErrorCode::not_differentiable;
      add(check, Result::failed,
          differentiable ? fmt::format("a call throws: {}", error.what())
                         : "it declares gradients but has no backward: implement backward, or declare no_gradient()");
    } catch (const std::exception& error) {
      add(check, Result::failed, fmt::format("a call throws: {}", error.what()));
    }
  }

  void add(const char* check, Result result, std::string finding, double figure = std::nan("")) {
    table_.add({check, result, std::move(finding), figure});
  }

  bool asks_for_gradients() const {
    bool from = false, to = false;
    for (const Tensor& weight : random_gradients(setup_)) from = from || there(weight);
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) to = to || setup_.differentiable(i);
    for (const Tensor& parameter : setup_.parameters) to = to || there(parameter);
    return from && to;
  }

  CallResult call(const NodeSetup& setup, int shards) {
    return keep_rules(NodeCalls(setup, shards, backward_).run(random_gradients(setup)));
  }
  CallResult keep_rules(CallResult result) {
    broken_.insert(broken_.end(), result.broken_rules.begin(), result.broken_rules.end());
    return result;
  }

  std::string not_finite(const CallResult& result) const {
    const Contract& contract = setup_.contract();
    const auto bad = [](const Tensor& tensor) {
      return there(tensor) && tensor.dtype() == DType::f32 && !math::all_finite(tensor.values().data(), tensor.count());
    };
    for (std::size_t k = 0; k < result.outputs.size(); ++k)
      if (bad(result.outputs[k])) return fmt::format("output '{}'", contract.outputs()[k].name);
    for (std::size_t i = 0; i < result.diff_inputs.size(); ++i)
      if (bad(result.diff_inputs[i])) return fmt::format("diff_input '{}'", contract.input_name(static_cast<int>(i)));
    for (std::size_t j = 0; j < result.diff_parameters.size(); ++j)
      if (bad(result.diff_parameters[j])) return fmt::format("diff_parameter '{}'", contract.parameters()[j].name);
    return "";
  }

  void check_finite() {
    const std::string found = not_finite(call(setup_, 1));
    if (found.empty())
      add("finite", Result::passed, backward_ ? "outputs and gradients" : "outputs");
    else
      add("finite", Result::failed, fmt::format("{} contains NaN or infinity", found));
  }

  void check_gradients() {
    if (!setup_.training) return add("gradients", Result::skipped, "compared in training mode only");
    if (!backward_) return add("gradients", Result::skipped, "no gradient goes through it");
    if (is_draw()) return add("gradients", Result::skipped, "the draws of a prior may have no gradient");
    Deviation largest;
    const Report report = compare_with_differences(setup_, {settings_.tolerance, settings_.elements}, &largest);
    if (!report.failures.empty())
      add("gradients", Result::failed, fmt::format("{}", fmt::join(report.failures, "; ")), largest.error);
    else if (report.checks == 0)
      add("gradients", Result::skipped, "no gradient goes through it");
    else if (largest.where.empty())
      add("gradients", Result::passed, "exact", 0);
    else
      add("gradients", Result::passed, fmt::format("largest error {:.1e}: {}", largest.error, largest.where),
          largest.error);
  }

  // Of a node that declares it.
  void check_second_derivative() {
    if (!setup_.training || !backward_) return;
    Deviation largest;
    Report all;
    for (int i = 0; i < static_cast<int>(setup_.inputs.size()); ++i) {
      std::optional<NodeSetup> gradient = gradient_setup(setup_, i);
      if (gradient) all.add(compare_with_differences(*gradient, {settings_.tolerance, settings_.elements}, &largest));
    }
    if (!all.failures.empty())
      add("second derivative", Result::failed, fmt::format("{}", fmt::join(all.failures, "; ")), largest.error);
    else if (all.checks > 0)
      add("second derivative", Result::passed,
          largest.where.empty() ? "exact" : fmt::format("largest error {:.1e}: {}", largest.error, largest.where),
          largest.error);
  }

  // A prior whose optional input is not connected draws, for generation; the density of a given z trains it.
  bool is_draw() const {
    if (setup_.contract().role() != Role::prior) return false;
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      if (!there(setup_.inputs[i]) && setup_.contract().input_at(static_cast<int>(i)).is_optional) return true;
    }
    return false;
  }

  // Where two results differ in a bit; "" if they are equal.
  std::string difference(const CallResult& a, const CallResult& b) const {
    const auto differ = [](const Tensor& x, const Tensor& y) {
      return there(x) && std::memcmp(x.view().raw(), y.view().raw(), x.view().bytes()) != 0;
    };
    for (std::size_t k = 0; k < a.outputs.size(); ++k)
      if (differ(a.outputs[k], b.outputs[k])) return fmt::format("output '{}'", setup_.contract().outputs()[k].name);
    for (std::size_t i = 0; i < a.diff_inputs.size(); ++i)
      if (differ(a.diff_inputs[i], b.diff_inputs[i]))
        return fmt::format("diff_input '{}'", setup_.contract().input_name(static_cast<int>(i)));
    for (std::size_t j = 0; j < a.diff_parameters.size(); ++j)
      if (differ(a.diff_parameters[j], b.diff_parameters[j]))
        return fmt::format("diff_parameter '{}'", setup_.contract().parameters()[j].name);
    return "";
  }

  void check_repeat() {
    const std::string found = difference(call(setup_, 1), call(setup_, 1));
    if (found.empty())
      add("repeat", Result::passed, "the same call gives the same bits");
    else
      add("repeat", Result::failed, fmt::format("{} has different bits in a second, identical call", found));
  }

  bool is_whole_batch() const { return setup_.contract().is_whole_batch(setup_.options, setup_.training); }

  Deviation largest_deviation(const CallResult& got, const CallResult& expected) const {
    const Contract& contract = setup_.contract();
    Deviation largest;
    const auto compare_with = [&](const Tensor& a, const Tensor& b, const std::string& what) {
      if (!there(b)) return;
      const Deviation found = deviation(what, a, b);
      largest.raise(found.error, found.where);
    };
    for (std::size_t k = 0; k < expected.outputs.size(); ++k)
      compare_with(got.outputs[k], expected.outputs[k], fmt::format("output '{}'", contract.outputs()[k].name));
    for (std::size_t i = 0; i < expected.diff_inputs.size(); ++i)
      compare_with(got.diff_inputs[i], expected.diff_inputs[i],
                   fmt::format("diff_input '{}'", contract.input_name(static_cast<int>(i))));
    for (std::size_t j = 0; j < expected.diff_parameters.size(); ++j)
      compare_with(got.diff_parameters[j], expected.diff_parameters[j],
                   fmt::format("diff_parameter '{}'", contract.parameters()[j].name));
    return largest;
  }

  // The same values, rounded: results of f32 are not far from them.
  void check_bf16() {
    if (!setup_.contract().can_take_bf16() || !setup_.training) return;
    if (!backward_) return add("bf16", Result::skipped, "values are stored so where gradients go through it");
    if (!has_precision(kBf16)) return add("bf16", Result::skipped, "this processor does not multiply bf16");
    NodeSetup narrow = setup_copy();
    narrow.bf16 = true;
    const Deviation largest = largest_deviation(call(narrow, 1), call(setup_, 1));
    const bool passed = largest.error <= kBf16Tolerance;
    add("bf16", passed ? Result::passed : Result::failed,
        fmt::format("beside f32: largest difference {:.1e}, {}", largest.error, largest.where), largest.error);
  }

  void check_shards() {
    if (is_whole_batch()) return add("shards", Result::skipped, "it sees the whole batch");
    const NodeSetup batch = repeated_setup(2 * settings_.shards);
    const Deviation largest = largest_deviation(call(batch, settings_.shards), call(batch, 1));
    const std::string what = fmt::format("{} shards compared with the batch of {}", settings_.shards, batch.samples);
    if (largest.where.empty()) return add("shards", Result::passed, what + ": the same bits", 0);
    add("shards", largest.error <= kShardTolerance ? Result::passed : Result::failed,
        fmt::format("{}: largest difference {:.1e}, {}", what, largest.error, largest.where), largest.error);
  }

  NodeSetup repeated_setup(std::int64_t samples) const {
    NodeSetup copy = setup_copy();
    return repeated(std::move(copy), std::max(samples, setup_.samples));
  }
  NodeSetup setup_copy() const {
    NodeSetup copy;
    copy.type = setup_.type;
    copy.options = setup_.options;
    const auto clone = [](const std::vector<Tensor>& from, std::vector<Tensor>& to) {
      for (const Tensor& tensor : from) to.push_back(there(tensor) ? tensor.clone() : Tensor());
    };
    clone(setup_.inputs, copy.inputs);
    clone(setup_.parameters, copy.parameters);
    clone(setup_.states, copy.states);
    copy.outputs = setup_.outputs;
    copy.tallies = setup_.tallies;
    copy.samples = setup_.samples;
    copy.training = setup_.training;
    copy.seed = setup_.seed;
    return copy;
  }

  // Only in evaluation, which is what windows are declared of; without a row where none is declared.
  void check_time() {
    if (setup_.training || setup_.contract().is_alias()) return;
    const WindowFinding found = check_windows(setup_);
    if (!found.failure.empty())
      add("windows", Result::failed, found.failure);
    else if (found.windows > 0)
      add("windows", Result::passed, "each position changes with inputs in its window only");
  }

  // All threads call one node object at the same time, in several rounds.
  void check_threads() {
    if (is_whole_batch()) return add("threads", Result::skipped, "it sees the whole batch: one call at a time");
    const NodeSetup batch = repeated_setup(2 * settings_.threads);
    NodeCalls calls(batch, settings_.threads, backward_);
    const std::vector<Tensor> above = random_gradients(batch);
    const CallResult first = keep_rules(calls.run(above));
    for (int round = 1; round < kRounds; ++round) {
      const std::string found = difference(first, keep_rules(calls.run(above)));
      if (found.empty()) continue;
      return add(
          "threads", Result::failed,
          fmt::format(
              "{} threads on one node: {} has different bits in round {}: mutable state must be passed in with the "
              "call, not kept in the node object",
              settings_.threads, found, round + 1));
    }
    add("threads", Result::passed,
        fmt::format("{} threads on one node, {} rounds: the same bits", settings_.threads, kRounds));
  }

  void check_cost() {
    if (setup_.contract().is_alias()) return add("allocations", Result::skipped, "an alias is never called");
    NodeCalls calls(setup_, 1, backward_);
    const std::vector<Tensor> above = random_gradients(setup_);
    for (int round = 0; round < 3; ++round) calls.run(above);
    CallMeter meter{settings_.allocations, {}, {}};
    calls.measure(&meter);
    for (int round = 0; round < kRounds; ++round) calls.run(above);
    add_allocations(meter);
    add_time(meter);
  }

  void add_allocations(const CallMeter& meter) {
    if (meter.counter == nullptr) return add("allocations", Result::skipped, "not counted in this program");
    const auto a_call = [](std::int64_t count, const CallCost& cost) {
      return cost.calls == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(cost.calls);
    };
    const double forward = a_call(meter.forward.allocations, meter.forward),
                 backward = a_call(meter.backward.allocations, meter.backward);
    const double library = a_call(meter.forward.library_allocations, meter.forward) +
                           a_call(meter.backward.library_allocations, meter.backward);
    const std::string beside = library > 0 ? fmt::format("; oneDNN {:g}", library) : "";
    if (forward + backward == 0)
      return add("allocations", Result::passed, fmt::format("no allocations in a call{}", beside), 0);
    add("allocations", settings_.strict ? Result::failed : Result::noted,
        fmt::format("{:g} in forward, {:g} in backward: reserve the memory in prepare(){}", forward, backward, beside),
        forward + backward);
  }

  void add_time(const CallMeter& meter) {
    const double forward = 1e3 * meter.forward.seconds;
    std::string text = fmt::format("forward {:.4f} ms", forward);
    if (meter.backward.calls > 0) text += fmt::format(", backward {:.4f} ms", 1e3 * meter.backward.seconds);
    add("time", Result::passed, fmt::format("{}, of {} samples", text, setup_.samples), forward);
  }

  NodeSetup setup_;
  const TypeCheck& settings_;
  CheckTable& table_;
  bool backward_;
  std::vector<std::string> broken_;
};

// Checks one example in training mode and in evaluation mode; false and a `problem` if no example fits.
bool check_example(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings, bool optional_inputs,
                   CheckTable& table, std::string& problem) {
  try {
    Example example = find_example(type, settings, optional_inputs);
    table.examples.push_back(example.text);
    const NodeSetup setup = example.tester.setup();
    if (table.outputs.empty()) {
      for (std::size_t k = 0; k < setup.outputs.size(); ++k)
        if (setup.outputs[k].rank() > 0)
          table.outputs.push_back(fmt::format("{} {}", setup.contract().outputs()[k].name, setup.outputs[k].text()));
    }
    NodeCheck(example.tester.setup(), settings, table).run();
    if (settings.training) {
      example.tester.evaluation();
      NodeCheck(example.tester.setup(), settings, table).run();
    }
    return true;
  } catch (const Error& error) {
    problem = error.what();
    return false;
  }
}

}  // namespace

CheckTable check_type(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings) {
  CheckTable table;
  table.type = type->name;
  table.kind = "node";
  table.library = type->library;
  const Role role = type->contract.role();
  if (role == Role::input || role == Role::gradient) {
    table.add({"example", CheckRow::Result::skipped,
               role == Role::input ? "an input for data: it is fed and never called"
                                   : "the nodes that compute it are those of a graph"});
    return table;
  }
  std::string problem;
  bool done = check_example(type, settings, false, table, problem);
  const auto optional = [](const PortDeclaration& port) { return port.is_optional; };
  if (std::ranges::any_of(type->contract.inputs(), optional)) {
    const bool with_all = check_example(type, settings, true, table, problem);
    done = done || with_all;
  }
  if (!done) {
    table.add(
        {"example", CheckRow::Result::failed,
         fmt::format("no example can be derived from the declaration; give options and shapes (--set, --shape). {}",
                     problem)});
  }
  return table;
}

}  // namespace loom::check
