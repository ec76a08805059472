#include "loom/node.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include "core/trace.h"
#include "loom/advance.h"
#include "loom/error.h"

namespace loom {
namespace {

[[noreturn]] void throw_undeclared(std::string_view kind, std::string_view name) {
  throw Error(ErrorCode::internal, fmt::format("the node requests the {} '{}', which it did not declare", kind, name));
}

int parameter_index(const std::vector<ParameterDeclaration>& declarations, std::string_view name,
                    std::string_view kind) {
  for (std::size_t i = 0; i < declarations.size(); ++i) {
    if (declarations[i].name == name) return static_cast<int>(i);
  }
  throw_undeclared(kind, name);
}

const TensorView& input_of(const Contract& contract, std::span<const TensorView> views, std::string_view port) {
  const int index = contract.input_index(port);
  if (index < 0 || static_cast<std::size_t>(index) >= views.size()) throw_undeclared("input", port);
  return views[static_cast<std::size_t>(index)];
}

const TensorView& output_of(const Contract& contract, std::span<const TensorView> views, std::string_view port) {
  const int index = contract.output_index(port);
  if (index < 0) throw_undeclared("output", port);
  return views[static_cast<std::size_t>(index)];
}

const TensorView& named(const std::vector<ParameterDeclaration>& declarations, std::span<const TensorView> views,
                        std::string_view name, std::string_view kind) {
  static const TensorView kNone;
  const auto index = static_cast<std::size_t>(parameter_index(declarations, name, kind));
  return index < views.size() ? views[index] : kNone;
}

}  // namespace

const Shape& Prepare::input(std::string_view port) const { return input_of(*contract, input_views, port).shape(); }
const Shape& Prepare::output(std::string_view port) const { return output_of(*contract, output_views, port).shape(); }
const Shape& Prepare::parameter(std::string_view name) const {
  return named(contract->parameters(), parameter_views, name, "parameter").shape();
}

TensorView Call::input(std::string_view port) const { return input_of(*contract, input_views, port); }
TensorView Call::output(std::string_view port) const { return output_of(*contract, output_views, port); }
TensorView Call::parameter(std::string_view name) const {
  return named(contract->parameters(), parameter_views, name, "parameter");
}
TensorView Call::state(std::string_view name) const { return named(contract->states(), state_views, name, "state"); }

void Call::fail_not_finite(std::string_view port, std::int64_t n) const {
  const std::int64_t each = samples > 0 ? std::max<std::int64_t>(1, rows / samples) : 1;
  const bool known = first_item >= 0;  // otherwise the place in the batch is all that is known
  throw Error(ErrorCode::not_finite,
              fmt::format("{} of {} {} is not finite", port, known ? "item" : "sample",
                          (known ? first_item : first_sample) + n / each),
              training ? "check the data of this step, or lower the learning rate"
                       : "the data are not finite there, or the weights have diverged in training");
}

void Call::run_chunks(std::int64_t count, void (*body)(const void*, std::int64_t, std::int64_t, int),
                      const void* self) const {
  const std::int64_t chunk = (count + lanes - 1) / lanes;
  const TracedParts parts;
  tbb::parallel_for(
      0, lanes,
      [&](int index) {
        const TracedParts::Part part(parts);
        const std::int64_t first = std::min(count, index * chunk);
        const std::int64_t last = std::min(count, first + chunk);
        if (first < last) body(self, first, last, index);
      },
      tbb::simple_partitioner());
}

TensorView Forward::tally(std::string_view name) const {
  return named(contract->tallies(), tally_views, name, "tally");
}

TensorView Backward::diff_output(std::string_view port) const { return output_of(*contract, diff_output_views, port); }
TensorView Backward::diff_input(std::string_view port) const { return input_of(*contract, diff_input_views, port); }
TensorView Backward::diff_parameter(std::string_view name) const {
  return named(contract->parameters(), diff_parameter_views, name, "parameter");
}

bool Backward::is_first(std::string_view name) const {
  if (first_parameters.empty()) return false;
  const std::vector<ParameterDeclaration>& declared = contract->parameters();
  const auto it = std::ranges::find(declared, name, &ParameterDeclaration::name);
  return it != declared.end() && first_parameters[static_cast<std::size_t>(it - declared.begin())] != 0;
}

double Node::backward_flop(const Prepare& p, int inputs, int parameters) const {
  return forward_flop(p) * ((inputs > 0 ? 1 : 0) + (parameters > 0 ? 1 : 0));
}

TensorView Pack::parameter(std::string_view name) const {
  return named(contract->parameters(), parameter_views, name, "parameter");
}

TensorView Pack::state(std::string_view name) const { return named(contract->states(), state_views, name, "state"); }

TensorView EndStep::tally(std::string_view name) const {
  return named(contract->tallies(), tally_views, name, "tally");
}
TensorView EndStep::tally(std::string_view name, std::size_t sharer) const {
  return named(contract->tallies(), sharers[sharer].tally_views, name, "tally");
}
TensorView EndStep::state(std::string_view name, std::size_t sharer) const {
  return named(contract->states(), sharers[sharer].state_views, name, "state");
}
void EndStep::replaced(std::string_view parameter, std::int64_t first, std::int64_t count) const {
  const int index = parameter_index(contract->parameters(), parameter, "parameter");
  if (replacements != nullptr) replacements->push_back({index, first, count});
}
TensorView EndStep::parameter(std::string_view name) const {
  return named(contract->parameters(), parameter_views, name, "parameter");
}
TensorView EndStep::state(std::string_view name) const { return named(contract->states(), state_views, name, "state"); }

Filled Node::filled(std::span<const Filled> inputs, int) const {
  Filled least = Filled::whole;
  for (const Filled fill : inputs) least = std::max(least, fill);
  return least;
}

void Advance::expect_map(std::int64_t expected_height, std::int64_t expected_width) const {
  if (height == expected_height && width == expected_width) return;
  throw Error(ErrorCode::not_supported,
              "the drawn map has " + std::to_string(height) + "x" + std::to_string(width) +
                  " positions, but this node works on " + std::to_string(expected_height) + "x" +
                  std::to_string(expected_width),
              "draw along the node's axes: `axes: 2` for the pixels of an image");
}

void Node::advance(const Advance&) const {
  throw Error(ErrorCode::not_supported, "this node cannot compute one position at a time");
}

std::string Node::implementation(bool) const { return ""; }

void Node::second_backward(const SecondBackward&) const {
  throw Error(ErrorCode::not_differentiable, "this node has no second derivative",
              "take the gradient with `stop: true`, or implement Node::second_backward");
}

void Node::backward(const Backward&) const {
  throw Error(ErrorCode::not_differentiable, "this node has no backward",
              "put a stop_gradient before it, or implement Node::backward");
}

}  // namespace loom
