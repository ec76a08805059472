#include "train/first_not_finite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/plain_nan.h"
#include "train/ancestry.h"

namespace loom {
namespace {

constexpr double kMostBytes = 256.0 * (1 << 20);
constexpr double kLarge = 100;  // data that networks are initialised for are of the size of 1

// Every f32 output that the wanted ports are computed from, sources first.
std::vector<Port> ports_before(const Graph& graph, std::span<const Port> wanted, bool training) {
  Ancestry ancestry(graph, training ? Ancestry::Mode::training : Ancestry::Mode::evaluation);
  for (const Port& port : wanted) ancestry.add(port);
  std::vector<Port> ports;
  for (const int node : graph.order()) {
    for (int index = 0; index < static_cast<int>(graph.node(node).outputs.size()); ++index) {
      const Port port{node, index};
      if (ancestry.has(port) && graph.dtype(port) == DType::f32) ports.push_back(port);
    }
  }
  return ports;
}

std::optional<NotFinite> look(std::span<const Port> ports, const Program& program, std::int64_t samples) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto values = program.fetched(static_cast<int>(i)).values();
    const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
    if (bad == values.end()) continue;
    const auto each = std::max<std::ptrdiff_t>(1, std::ssize(values) / samples);
    return NotFinite{ports[i], (bad - values.begin()) / each, static_cast<double>(*bad)};
  }
  return std::nullopt;
}

// The nearest of the nodes that the port is computed from with an option max_logvar that is not set.
const GraphNode* unbounded_logvar(const Graph& graph, Port port) {
  const Ancestry ancestry(graph, port, Ancestry::Mode::training);
  const auto is_unbounded = [&](int index) {
    if (!ancestry.nodes().contains(index)) return false;
    const GraphNode& node = graph.node(index);
    const auto names = node.contract().option_names();
    return std::ranges::find(names, "max_logvar") != names.end() && !node.options.has("max_logvar");
  };
  const auto nearest = std::ranges::find_if(graph.order().rbegin(), graph.order().rend(), is_unbounded);
  return nearest == graph.order().rend() ? nullptr : &graph.node(*nearest);
}

std::string remedy_for(const Graph& graph, const NotFinite& found) {
  if (graph.node(found.port.node).is_input()) return "check the data of this item";
  std::vector<std::string> remedies;
  const GraphNode& node_found = graph.node(found.port.node);
  for (const GraphParameter& parameter : node_found.parameters) {
    const std::string& name = node_found.contract().parameters()[static_cast<std::size_t>(parameter.declaration)].name;
    if (normalises(node_found, name))
      remedies.push_back(fmt::format("'{}' is normalised, which fails where it is 0", parameter.path));
  }
  if (const GraphNode* node = unbounded_logvar(graph, found.port))
    remedies.push_back(fmt::format("max_logvar of '{}' bounds a variance that overflows", node->path));
  if (found.largest_fed > kLarge)
    remedies.push_back(
        fmt::format("the data have values up to {:.4g}: the data option normalize: dataset brings them to "
                    "the scale that networks are initialised for",
                    found.largest_fed));
  remedies.emplace_back("lower the learning rate, or set train.clip_norm");
  return fmt::format("{}", fmt::join(remedies, "; "));
}

}  // namespace

std::optional<NotFinite> first_not_finite(BoundGraph bound, std::span<const Port> feeds, std::span<const Port> wanted,
                                          const StepInput& input, bool training) {
  double largest = 0;
  for (const TensorView& fed : input.feeds) {
    if (fed.dtype() != DType::f32) continue;
    for (const float value : fed.values()) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  const std::vector<Port> ports = ports_before(*bound.graph, wanted, training);
  for (std::size_t first = 0; first < ports.size();) {
    ProgramRequest request;
    request.training = training;
    request.feeds.assign(feeds.begin(), feeds.end());
    request.batch = input.samples;
    double bytes = 0;
    std::size_t end = first;
    while (end < ports.size() && (end == first || bytes < kMostBytes)) {
      bytes += 4.0 * static_cast<double>(bound.graph->shape(ports[end]).at_batch(input.samples).count());
      request.fetch.push_back(ports[end++]);
    }
    Program program(bound.graph, bound.store, bound.executor, std::move(request));
    program.run(input);
    auto found = look(std::span(ports).subspan(first, end - first), program, input.samples);
    if (found) {
      found->largest_fed = largest;
      return found;
    }
    first = end;
  }
  return std::nullopt;
}

NotFiniteStory tell(const Graph& graph, const NotFinite& found, const std::string& item) {
  return {fmt::format("the first value that is not finite is {} in '{}', item {}", plain_nan(found.value),
                      graph.name_of(found.port), item),
          remedy_for(graph, found)};
}

}  // namespace loom
