// A model document, resolved: extends merged, blocks used, repeats unrolled, expressions evaluated, overrides applied.
// Everything keeps the place it came from. docs/graph-format.md is the specification of the text (version 1).
//
// Ownership: a Document is a value. Errors: load() throws one Error with everything it found (E1xx).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "document/iteration_entry.h"
#include "graph/graph_document.h"

namespace loom {

// One term of the training loss: a node whose first output (or `port`) is [N], nats per sample; with `of`, an output of
// a node of the graph.
struct LossEntry {
  std::string name;  // "kl"
  std::string node;  // path of its node: "losses/kl", whose NodeEntry is in Document::nodes; or that of `of`
  std::string port;  // "" for the first output
  ScheduleEntry weight = ScheduleEntry::constant(1);
  When when = When::always;
  std::string role = {};  // "likelihood", ...; "" follows from the nodes that it is made of
  Location where;
  Location port_where = {};
  // Of a likelihood: what is the mean of its target, and what draws it; no node: as its node declares.
  Reference mean = {}, drawn = {};
};

// Bounds of a loss in the step that runs: `only_if: {gan.real_loss: {above: 0.3}}`.
struct ConditionEntry {
  std::string loss, port;  // port "": the loss itself
  double above, below;     // nats per sample, mean over the batch; infinite: no bound
  Location where;
};

// What one optimizer minimizes. Without `objectives:` there is one, "main", over every loss and every parameter.
struct ObjectiveEntry {
  std::string name = "main";
  std::vector<std::pair<std::string, ScheduleEntry>>
      losses;                              // loss name and its weight in this objective; negative allowed
  std::vector<std::string> parameters;     // patterns over parameter paths: "encoder/*"; empty: all
  std::vector<Location> parameter_places;  // of each pattern, where it comes from a text
  OptimizerEntry optimizer;
  std::int64_t from = 0;   // the first step in which it updates
  std::int64_t stop = 0;   // the step from which on it updates no more; 0: never
  std::int64_t every = 1;  // updates on steps divisible by it
  std::int64_t until = 0;  // from this step on in every step; 0: `every` holds to the end
  std::vector<ConditionEntry> only_if;
  Location where;
};

// What training keeps the best of, and counts patience by: `monitor: {metric: perplexity, mode: max}`.
struct MonitorEntry {
  std::string metric;  // "": the objective, with every schedule at its final value
  std::string mode = "min", split;
  Location where = {};
  bool is_given() const { return !metric.empty() || mode != "min" || !split.empty(); }
};

// Bounds of a training: no machine holds a larger batch, and products of the two stay within 64 bits.
inline constexpr std::int64_t kMaxBatch = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxAccumulate = std::int64_t{1} << 16;
inline constexpr std::int64_t kMaxSteps = std::int64_t{1} << 38;

// The section `train`. Keys, ranges, units and words are declared in sections.cpp.
struct TrainEntry {
  std::int64_t batch = 64;
  std::int64_t steps = 1000;
  std::uint64_t seed = 1;
  double clip_norm = 0;         // 0: no clipping; of each objective's gradient
  double clip_value = 0;        // bound of each element of a gradient; 0: none
  std::int64_t accumulate = 1;  // batches of a step
  double average = 0;           // decay of the moving average of the weights; 0: none
  std::int64_t eval_every = 0;  // steps; 0: only at the end
  std::int64_t eval_limit = 0;  // samples; 0: the whole held-out split
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep = 3;            // last checkpoints kept beside the best
  std::int64_t encoder_steps = 1;   // updates of the encoder for each of the rest (He et al. 2019); 1: together
  std::int64_t encoder_until = 0;   // step at which that ends; 0: never
  std::int64_t early_stopping = 0;  // evaluations without improvement; 0: never
  double spike_factor = 0;          // skip a step whose gradient norm exceeds this times its running mean; 0: only NaN
  std::int64_t skip_limit = 10;     // bad steps in a row before training stops with E304
  MonitorEntry monitor = {};
  std::vector<std::string> data_init;     // patterns: weights that the first batch scales
  std::vector<std::string> recompute;     // patterns: nodes whose outputs are not kept for the backward pass
  std::vector<std::string> reinitialise;  // patterns: parameters that start anew where a change alters their shape
  std::vector<Location> data_init_places, recompute_places;  // of each pattern, where it comes from a text
  Location where;
};

// autoregressive: {input: x, from: drawn, axis: 1}: the port `input` is filled position by position along the axis,
// each position with what `from` gives there when it sees the positions before. With `axes: 2` the positions are those
// of an image, in raster order over two adjacent axes. What is `given` keeps the values that the input is fed with.
struct AutoregressionEntry {
  Reference input, from;
  std::int64_t given = 0;     // the first positions
  Reference given_mask = {};  // an input node [N, P...] that is not 0 where a position is given; no node: none
  std::int64_t axis = 1;      // the first of them; the batch is axis 0
  std::int64_t axes = 1;
  Location where;
};

// generate: {sample: {draw: {z: {type: standard_normal}}, show: mean}}: ports replaced by other nodes, and the port
// to look at. What a document leaves out follows from the losses (train/complete_entry.h).
struct GenerateEntry {
  std::string name;                                    // "sample", "reconstruct"
  std::vector<std::pair<Reference, NodeEntry>> draws;  // the port, and the node that takes its place
  std::vector<IterationEntry> iterations;              // one after the other
  std::vector<AutoregressionEntry> autoregressions;    // after them, one after the other
  std::vector<Reference> feeds;                        // ports whose values come from a file
  Reference show;                                      // of several, the first; no node: left out
  std::vector<std::pair<std::string, Reference>> shows =
      {};                             // of a map: a column of the data, and the port that shows it
  std::string likelihood = {};        // what is shown of a likelihood: "mean" or "draw"; "": left out
  std::vector<NodeEntry> nodes = {};  // that are read beside the graph's: none in a document
  Location where = {};
};

// `weights: PATH` of a use: the nodes behind the prefix start with the weights of a run, or of a safetensors file. A
// resolved document has none: its run's own checkpoints hold these weights too.
struct WeightSource {
  std::string prefix;  // "vq/"
  std::string path;    // as seen from the working folder
  Location where;
  std::vector<std::pair<std::string, std::string>> rename =
      {};  // a name in the file, and the node here: "features.0", "c1"
};

// An entry of `metrics`: options of a registered metric, or `false`, which turns it off.
struct MetricEntry {
  TypedEntry metric;
  bool off = false;
};

struct Document {
  std::int64_t version = 1;
  std::string name;  // graph:
  std::string doc;
  std::string file;
  std::vector<PluginEntry> plugins;  // of the document, of what it extends and of what it uses; each once
  std::vector<NodeEntry> nodes;      // also the losses' nodes, under "losses/"
  std::vector<LossEntry> losses;
  std::vector<ObjectiveEntry> objectives;
  TrainEntry train;
  DataEntry data;
  std::vector<GenerateEntry> generate;
  std::vector<MetricEntry> metrics;
  std::vector<WeightSource> weight_sources;
  std::vector<std::string> notes;  // what a reader may not expect: see drop_inherited()
  std::vector<std::string> files;  // that it was read from: itself, parents, blocks, used graphs; sorted
  std::string resolved;            // YAML text: self-contained, enough to load it again with the same result
};

struct Override {
  std::string path;   // "train.batch", "nodes.q.dim", "vars.latent"
  std::string value;  // YAML
};

// In the place of a path: the document is on standard input, and relative files start at the working folder.
inline constexpr const char* kStandardInput = "-";

// Reads `path`, or the shipped graph of this name (shipped_graphs.h), which may extend and use other files relative to
// itself, and applies --set overrides last.
Document load_document(const std::string& path, const std::vector<Override>& overrides = {});
// The same, with what is wrong left in `diagnostics` beside what could be read: for checks that go on. What could not
// be read has a node without a type in its place.
Document load_document(const std::string& path, const std::vector<Override>& overrides, Diagnostics& diagnostics);
// The same from text; `name` is used in positions, `directory` resolves relative files.
Document parse_document(std::string_view text, const std::string& name, const std::string& directory,
                        const std::vector<Override>& overrides = {});

// "a.b=c" of --set; throws Error(bad_override).
Override parse_override(std::string_view text);
std::vector<Override> parse_overrides(const std::vector<std::string>& texts);

// Options of `--data type:path,key=value,...` as a DataEntry; throws Error(data_specification). A value that begins with
// [ or { is a list or a map, as in YAML.
DataEntry parse_data_specification(std::string_view text);
// Data in place of the document's, `specification`, with the overrides of its values ("data.size=32") on top, in their
// order; null removes an option. They are taken out of `overrides`, since the document may name no data. Throws
// Error(data_specification) and Error(bad_override).
DataEntry take_data(std::string_view specification, std::vector<std::string>& overrides);
DataEntry take_data(DataEntry entry, std::vector<std::string>& overrides);

}  // namespace loom
