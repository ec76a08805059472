#include "graph/receptive_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace loom {
namespace {

constexpr Positions kNone = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};

// Rounded down and up, for a divisor above 0.
std::int64_t floor_of(std::int64_t value, std::int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}
std::int64_t ceil_of(std::int64_t value, std::int64_t divisor) { return -floor_of(-value, divisor); }

void reduce(std::int64_t& up, std::int64_t& down) {
  const std::int64_t common = std::gcd(up, down);
  up /= common, down /= common;
}

}  // namespace

ReceptiveField::ReceptiveField(const Graph& graph, std::span<const Port> inputs, Port output)
    : inputs_(inputs.begin(), inputs.end()), nodes_(graph.size()) {
  find_timed(graph);
  const Port shown = graph.effective(output, false);
  if (!timed_[static_cast<std::size_t>(shown.node)])
    stop(graph.node(shown.node), "does not depend on the recording");
  else if (graph.shape(shown).rank() < 2)
    stop(graph.node(shown.node), "gives one value for all positions");
  else
    find_slots(graph, shown);
  if (is_local()) settle_rates(graph);
  if (is_local()) settle_context();
}

void ReceptiveField::find_slots(const Graph& graph, Port output) {
  slot_of(graph, output);
  const std::vector<int>& order = graph.order();
  for (auto node = order.rbegin(); node != order.rend() && is_local(); ++node) {
    for (std::size_t i = 0; i < slots_.size() && is_local(); ++i) {
      if (slots_[i].port.node == *node && !slots_[i].is_input) follow(graph, static_cast<int>(i));
    }
  }
}

void ReceptiveField::find_timed(const Graph& graph) {
  timed_.assign(static_cast<std::size_t>(graph.size()), false);
  for (const Port& input : inputs_) timed_[static_cast<std::size_t>(input.node)] = true;
  for (const int index : graph.order()) {
    for (const Port& input : graph.node(index).inputs) {
      if (input.valid() && timed_[static_cast<std::size_t>(graph.effective(input, false).node)])
        timed_[static_cast<std::size_t>(index)] = true;
    }
  }
}

void ReceptiveField::stop(const GraphNode& node, const std::string& why) {
  obstacle_ = fmt::format("the node '{}' ({}) {}", node.path, node.type->name, why);
}

int ReceptiveField::slot_of(const Graph& graph, Port port) {
  const auto [found, added] = slot_.emplace(port, static_cast<int>(slots_.size()));
  if (added) {
    const bool is_input = std::ranges::find(inputs_, port) != inputs_.end();
    slots_.push_back({port, 1, 1, graph.shape(port)[1], is_input});
  }
  return found->second;
}

void ReceptiveField::follow(const Graph& graph, int slot) {
  const GraphNode& node = graph.node(slots_[static_cast<std::size_t>(slot)].port.node);
  if (node.is_whole_batch(false)) return stop(node, "sees the whole batch");
  if (node.rows_per_sample() != 1) return stop(node, "has several rows per sample");
  if (node.contract().is_stochastic(false) && !node.contract().is_pointwise(node.options))
    return stop(node, "draws for all positions together");
  for (std::size_t i = 0; i < node.inputs.size() && is_local(); ++i)
    if (node.inputs[i].valid()) follow_input(graph, slot, static_cast<int>(i));
}

void ReceptiveField::follow_input(const Graph& graph, int slot, int input) {
  const Slot reader = slots_[static_cast<std::size_t>(slot)];
  const GraphNode& node = graph.node(reader.port.node);
  const Port source = graph.effective(node.inputs[static_cast<std::size_t>(input)], false);
  if (!timed_[static_cast<std::size_t>(source.node)]) return constants_.push_back(source);
  const auto window =
      node.contract().window({node.options, input, reader.port.index, graph.shape(source), graph.shape(reader.port)});
  if (!window) return stop(node, "may read all positions");
  // Until the inputs are reached, rates are those to the output.
  std::int64_t up = reader.up * window->down, down = reader.down * window->up;
  reduce(up, down);
  const auto known = slots_.size();
  const int to = slot_of(graph, source);
  Slot& read = slots_[static_cast<std::size_t>(to)];
  if (slots_.size() > known)
    read.up = up, read.down = down;
  else if (read.up != up || read.down != down)
    return stop(graph.node(source.node), "is read at two rates");
  edges_.push_back({slot, to, *window});
}

void ReceptiveField::settle_rates(const Graph& graph) {
  const auto input = std::ranges::find(slots_, true, &Slot::is_input);
  if (input == slots_.end()) return stop(graph.node(slots_.front().port.node), "does not depend on the recording");
  const Slot unit = *input;
  for (Slot& slot : slots_) {
    if (slot.is_input && (slot.up != unit.up || slot.down != unit.down || slot.extent != unit.extent))
      return stop(graph.node(slot.port.node), "is read at another rate than the other inputs");
    slot.up *= unit.down, slot.down *= unit.up;
    reduce(slot.up, slot.down);
    alignment_ = std::lcm(alignment_, slot.down);
  }
  up_ = slots_.front().up, down_ = slots_.front().down;
}

std::vector<Positions> ReceptiveField::spread(Positions outputs) const {
  std::vector<Positions> read(slots_.size(), kNone);
  read.front() = outputs;
  for (const Edge& edge : edges_) {
    const Positions from = read[static_cast<std::size_t>(edge.from)];
    Positions& to = read[static_cast<std::size_t>(edge.to)];
    const TimeWindow& w = edge.window;
    to.first = std::min(to.first, floor_of(from.first * w.down, w.up) - w.before);
    to.last = std::max(to.last, floor_of(from.last * w.down, w.up) + w.after);
  }
  return read;
}

Positions ReceptiveField::reads(Positions outputs) const {
  const std::vector<Positions> read = spread(outputs);
  Positions all = kNone;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].is_input) continue;
    all.first = std::min(all.first, read[i].first);
    all.last = std::max(all.last, read[i].last);
  }
  return all;
}

// A piece that begins at 0 has no port's positions below 0; one that ends at 0 has none of a port from its end on, which may
// be earlier than the rate says (a convolution without padding).
void ReceptiveField::settle_context() {
  const std::int64_t length = std::ranges::find(slots_, true, &Slot::is_input)->extent;
  const std::vector<Positions> begin = spread({0, 0}), end = spread({-1, -1});
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    before_ = std::max(before_, ceil_of(-begin[i].first * slot.down, slot.up));
    after_ = std::max(after_, ceil_of((end[i].last + 1 - slot.extent) * slot.down + length * slot.up, slot.up));
  }
}

std::vector<std::int64_t> ReceptiveField::starts(std::int64_t input) const {
  std::vector<std::int64_t> starts(static_cast<std::size_t>(nodes_), 0);
  for (const Slot& slot : slots_) starts[static_cast<std::size_t>(slot.port.node)] = input / slot.down * slot.up;
  return starts;
}

}  // namespace loom
