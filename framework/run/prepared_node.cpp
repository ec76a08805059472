#include "run/prepared_node.h"

#include <algorithm>

#include <fmt/format.h>

#include "loom/error.h"

namespace loom {
namespace {

// Parameters in the order of declaration; a parameter that the options leave out has an empty view.
std::vector<TensorView> stored(const std::vector<GraphParameter>& parameters, std::size_t declared,
                               ParameterStore& store) {
  std::vector<TensorView> views(declared);
  for (const GraphParameter& parameter : parameters) {
    views[static_cast<std::size_t>(parameter.declaration)] = store.at(store.find(parameter.path)).value.view();
  }
  return views;
}

}  // namespace

void prepare_node(const NodeType& type, const Options& options, PreparedNode& prepared) {
  Prepare& needs = prepared.needs;
  needs.contract = &type.contract;
  needs.input_views = prepared.inputs;
  needs.output_views = prepared.outputs;
  needs.parameter_views = prepared.parameters;
  prepared.node = type.create(options);
  prepared.node->prepare(needs);
  if (needs.packed_bytes > 0) prepared.packed = allocate_bytes(needs.packed_bytes);
}

namespace {

Error not_prepared(const GraphNode& node, const std::string& why) {
  Diagnostic finding;
  finding.code = ErrorCode::node_failed;
  finding.where = node.where;
  finding.message = fmt::format("[{}] '{}' could not be prepared: {}", node.type->name, node.path, why);
  return Error(std::move(finding));
}

}  // namespace

void renew_node(const GraphNode& node, const ParameterStore& store, PreparedNode& prepared) {
  Prepare needs = prepared.needs;
  for (std::size_t* bytes :
       {&needs.scratch_bytes, &needs.saved_bytes, &needs.packed_bytes, &needs.sum_count, &needs.diff_sum_count})
    *bytes = 0;
  try {
    prepared.node = node.type->create(node.options_at(store.step()));
    prepared.node->prepare(needs);
  } catch (const std::exception& problem) {
    throw not_prepared(node, problem.what());
  }
  const Prepare& before = prepared.needs;
  if (needs.scratch_bytes != before.scratch_bytes || needs.saved_bytes != before.saved_bytes ||
      needs.packed_bytes != before.packed_bytes || needs.sum_count != before.sum_count ||
      needs.diff_sum_count != before.diff_sum_count)
    throw not_prepared(node, "an option that follows a schedule decides how much memory it takes");
}

void prepare_node(const GraphNode& node, ParameterStore& store, PreparedNode& prepared) {
  prepared.parameters = stored(node.parameters, node.contract().parameters().size(), store);
  prepared.states = stored(node.states, node.contract().states().size(), store);
  try {
    prepare_node(*node.type, node.options_at(store.step()), prepared);
  } catch (const std::exception& problem) {
    throw not_prepared(node, problem.what());
  }
}

bool pack_alike(const GraphNode& a, const PreparedNode& prepared_a, const GraphNode& b,
                const PreparedNode& prepared_b) {
  const auto same_shapes = [](const TensorView& x, const TensorView& y) {
    return x.dtype() == y.dtype() && x.shape() == y.shape();
  };
  const auto same_values = [](const TensorView& x, const TensorView& y) { return x.raw() == y.raw(); };
  const Prepare &x = prepared_a.needs, &y = prepared_b.needs;
  return a.scheduled.empty() && b.scheduled.empty() && x.packed_bytes == y.packed_bytes && a.type == b.type &&
         a.options.values() == b.options.values() && x.training == y.training && x.backward == y.backward &&
         x.transformed == y.transformed && x.bf16 == y.bf16 &&
         std::ranges::equal(prepared_a.inputs, prepared_b.inputs, same_shapes) &&
         std::ranges::equal(prepared_a.outputs, prepared_b.outputs, same_shapes) &&
         std::ranges::equal(prepared_a.parameters, prepared_b.parameters, same_values) &&
         std::ranges::equal(prepared_a.states, prepared_b.states, same_values);
}

void pack_node(PreparedNode& prepared, std::span<std::byte> scratch) {
  if (prepared.needs.packed_bytes == 0) return;
  Pack call;
  call.contract = prepared.needs.contract;
  call.parameter_views = prepared.parameters;
  call.state_views = prepared.states;
  call.packed_memory = {prepared.packed.get(), prepared.needs.packed_bytes};
  call.scratch_memory = scratch.first(prepared.needs.scratch_bytes);
  prepared.node->pack(call);
}

void pack_node(PreparedNode& prepared) {
  if (prepared.needs.packed_bytes == 0) return;
  const AlignedBytes scratch = allocate_bytes(prepared.needs.scratch_bytes);
  pack_node(prepared, {scratch.get(), prepared.needs.scratch_bytes});
}

}  // namespace loom
