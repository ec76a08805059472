#include "runner/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/batches.h"
#include "loom/error.h"
#include "run/program.h"
#include "runner/ancestral.h"
#include "runner/console.h"
#include "runner/pictures.h"
#include "train/feeds.h"
#include "train/objectives.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kBatch = 100;                  // samples drawn at once; ten classes in turn go on across it
constexpr std::int64_t kColumns = 8;                  // of pictures of pairs
constexpr std::uint64_t kStreamOffset = 0x5DEECE66D;  // samples draw from other streams than training

void copy_rows(const TensorView& from, std::int64_t first, Tensor& to) {
  const TensorView target = to.view().rows(first, from.samples());
  std::memcpy(target.raw(), from.raw(), from.bytes());
}

// What a reconstruction is compared with: the target of the first likelihood where it is alike, else the first input.
Port original_port(const Document& document, const Graph& graph, Port show) {
  for (const LossTerm& term : resolve_losses(document, graph)) {
    const GraphNode& node = graph.node(term.port.node);
    const int target = node.contract().input_index("target");
    if (term.role != Role::likelihood || target < 0) continue;
    const Port port = node.inputs[static_cast<std::size_t>(target)];
    if (port.valid() && graph.dtype(port) == graph.dtype(show)) return port;
  }
  const std::vector<int> inputs = graph.inputs();
  if (inputs.empty()) throw Error(ErrorCode::usage, "the graph has no input: there is nothing to reconstruct");
  return {inputs.front(), 0};
}

// Events as images [n, H, W, C]; the memory is the tensor's own.
std::optional<TensorView> as_images(const Tensor& values, const Shape& like) {
  const std::optional<Shape> image = image_shape(values.shape().event(), like);
  if (!image || values.dtype() != DType::f32) return std::nullopt;
  return TensorView(DType::f32, {values.shape()[0], (*image)[0], (*image)[1], (*image)[2]}, values.view().raw());
}

// The event shape of the first input, which outputs are often flattened images of.
Shape first_input_event(const Document& document) {
  for (const NodeEntry& entry : document.nodes) {
    const auto shape = entry.options.find("shape");
    if (!entry.inputs.empty() || shape == entry.options.end()) continue;
    Options options;
    options.set("shape", shape->second.value);
    return Shape(options.integers("shape"));
  }
  return {};
}

// What is shown, and what the draws are computed from.
std::vector<Port> wanted_with(const Graph& graph, const Rewrite& rewrite, const GenerateEntry& entry,
                              std::vector<Port> wanted) {
  for (const AutoregressionEntry& item : entry.autoregressions)
    wanted.push_back(graph.port(rewrite.resolved(item.from)));
  return wanted;
}

void check_not_fed(const GenerateEntry& entry) {
  if (entry.feeds.empty()) return;
  throw Error(ErrorCode::usage, fmt::format("generate.{} is fed from a file", entry.name),
              fmt::format("graph-runner decode RUN --name {} --codes F.npy", entry.name));
}

}  // namespace

void say_obstacles(const AncestralSampler& ancestral) {
  for (const std::string& obstacle : ancestral.obstacles())
    say(fmt::format("each position takes a run of the whole graph, for {}\n", obstacle));
}

const GenerateEntry* find_generate(const Document& document, const std::string& name) {
  const auto it = std::ranges::find(document.generate, name, &GenerateEntry::name);
  return it == document.generate.end() ? nullptr : &*it;
}

const GenerateEntry& require_generate(const Document& document, const std::string& name) {
  if (const GenerateEntry* entry = find_generate(document, name)) return *entry;
  Diagnostic finding;
  finding.code = ErrorCode::usage;
  finding.where = {document.file, 0, 0};
  finding.message = fmt::format("the graph does not say how to {0}: it has no generate.{0}", name);
  std::vector<std::string> names;
  for (const GenerateEntry& entry : document.generate) names.push_back(entry.name);
  finding.suggestion = nearest_name(name, names);
  finding.hint =
      "write generate: {sample: {draw: {z: {type: standard_normal}}, show: mean}, reconstruct: {show: mean}}";
  throw Error(std::move(finding));
}

Tensor draw_samples(const Model& model, Executor& executor, const GenerateEntry& entry, const DrawOptions& options) {
  check_not_fed(entry);
  const std::int64_t count = options.count;
  Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  for (const auto& [option, value] : options.node_options) {
    if (rewrite.set_option(option, value) > 0) continue;
    throw Error(ErrorCode::usage, fmt::format("no node of generate.{} has the option '{}'", entry.name, option));
  }
  const std::shared_ptr<const Graph> graph = rewrite.build();
  const std::unique_ptr<ParameterStore> store = model.parameters(*graph);
  const Port show = graph->port(rewrite.resolved(entry.show));
  AncestralSampler ancestral(rewrite, graph, *store, executor, entry, std::min(kBatch, count), {}, options.incremental);
  say_obstacles(ancestral);
  ProgramRequest request;
  request.feeds = ancestral.inputs();
  request.fetch = {show};
  request.batch = std::min(kBatch, count);
  Program program(graph, *store, executor, std::move(request));
  Tensor all(graph->dtype(show), graph->shape(show).at_batch(count));
  for (std::int64_t done = 0, step = 0; done < count; ++step) {
    StepInput input{.feeds = {},
                    .weights = {},
                    .samples = std::min(kBatch, count - done),
                    .seed = options.seed ^ kStreamOffset,
                    .step = static_cast<std::uint32_t>(step)};
    const std::vector<TensorView> drawn = ancestral.draw(input);
    input.feeds = drawn;
    program.run(input);
    copy_rows(program.fetched(0), done, all);
    done += input.samples;
  }
  return all;
}

Reconstructions reconstruct(const Model& model, Executor& executor, const GenerateEntry& entry, const DataEntry& data,
                            const std::string& split, std::int64_t count, std::uint64_t seed) {
  check_not_fed(entry);
  const Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  const std::unique_ptr<ParameterStore> store = model.parameters(*graph);
  const Port show = graph->port(rewrite.resolved(entry.show)), original = original_port(model.document(), *graph, show);
  const std::vector<Port> wanted = {show, original};

  const auto source = open_split(model.registry(), data, split);
  std::vector<Port> drawn;  // by the model itself
  for (const AutoregressionEntry& item : entry.autoregressions)
    drawn.push_back(graph->port(rewrite.resolved(item.input)));
  FeedPlan feeds = plan_feeds(*graph, wanted_with(*graph, rewrite, entry, wanted), false, source->columns(), drawn);
  AncestralSampler ancestral(rewrite, graph, *store, executor, entry, std::min(kBatch, count), feeds.ports);
  say_obstacles(ancestral);
  ProgramRequest request;
  request.feeds = feeds.ports;
  request.feeds.insert(request.feeds.end(), drawn.begin(), drawn.end());
  request.fetch = wanted;
  request.batch = std::min(kBatch, count);
  Program program(graph, *store, executor, std::move(request));
  Batches batches(source, std::move(feeds.requests), std::min(kBatch, count), seed, false);

  const std::int64_t total = std::min(count, source->size());
  Reconstructions pairs{Tensor(graph->dtype(original), graph->shape(original).at_batch(total)),
                        Tensor(graph->dtype(show), graph->shape(show).at_batch(total))};
  for (std::int64_t done = 0, step = 0; done < total; ++step) {
    const Batches::View batch = batches.next();
    const std::int64_t samples = std::min(batch.samples, total - done);
    std::vector<TensorView> columns;
    for (const TensorView& column : batch.columns) columns.push_back(column.rows(0, samples));
    StepInput input{.feeds = columns,
                    .weights = {},
                    .samples = samples,
                    .seed = seed ^ kStreamOffset,
                    .step = static_cast<std::uint32_t>(step)};
    std::vector<TensorView> all = columns;
    for (const TensorView& values : ancestral.draw(input)) all.push_back(values);
    input.feeds = all;
    program.run(input);
    copy_rows(program.fetched(0), done, pairs.reconstructions);
    copy_rows(program.fetched(1), done, pairs.originals);
    done += samples;
  }
  return pairs;
}

std::optional<std::string> samples_png(const Model& model, const Tensor& samples, std::int64_t columns) {
  const auto images = as_images(samples, first_input_event(model.document()));
  return images ? std::optional(encode_png(draw_grid(*images, {.columns = columns}))) : std::nullopt;
}

std::optional<ImagePairs> image_pairs(const Reconstructions& pairs) {
  const auto reconstructions = as_images(pairs.reconstructions, pairs.originals.shape().event());
  if (!reconstructions) return std::nullopt;
  const auto originals = as_images(pairs.originals, reconstructions->shape().event());
  if (!originals || !(originals->shape() == reconstructions->shape())) return std::nullopt;
  return ImagePairs{*originals, *reconstructions};
}

std::optional<std::string> reconstructions_png(const Reconstructions& pairs) {
  const auto images = image_pairs(pairs);
  if (!images) return std::nullopt;
  const std::int64_t count = images->originals.samples(), columns = std::min(kColumns, count),
                     groups = (count + columns - 1) / columns;
  const Shape event = images->originals.shape().event();
  Tensor rows(DType::f32, {groups * columns * 2, event[0], event[1], event[2]});
  for (float& value : rows.values()) value = 0.5F;  // the background, where the last row is not full
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t top = i / columns * columns * 2 + i % columns;
    std::ranges::copy(images->originals[i], rows.view()[top].begin());
    std::ranges::copy(images->reconstructions[i], rows.view()[top + columns].begin());
  }
  return encode_png(draw_grid(rows, {.columns = columns, .group = 2}));
}

}  // namespace loom::runner
