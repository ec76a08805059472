// What is behind loom::Model: the ways through the graph that were asked for, compiled and kept.
//
// Ownership: owns everything. Thread safety: run() and density() from several threads, one after the other.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generate/density.h"
#include "generate/entry.h"
#include "generate/feeds.h"
#include "generate/pass.h"

namespace loom {

// A way through the graph: what is fed and what is fetched; compiled for each size of batch.
struct Way {
  std::shared_ptr<const Graph> graph;
  std::vector<Port> feeds, fetch;
  std::map<int, std::vector<ValueRange>> ranges;  // that its nodes accept of inputs
  std::optional<Rewrite> rewrite;                 // that `graph` was built from
  std::optional<GenerateEntry> entry;
  std::vector<std::string> columns;  // of the data, that a map of ports shows, as many as `fetch`; else none
  bool shows = false;                // what is fetched describes data: it is returned in the units of the data
  std::map<std::int64_t, std::unique_ptr<Pass>> passes;  // by the samples of a run
};

struct ModelCall {
  std::string key;          // what `make` depends on, beside the feeds' names and shapes
  std::vector<Feed> feeds;  // values; none: `samples` are drawn
  // Sets the way's graph, what it fetches and its entry, and each feed's port.
  std::function<void(Way&, std::vector<Feed>&)> make;
  std::uint64_t seed = 1;
  std::uint32_t step = 0;    // of a call that is run at once
  bool at_once = false;      // else kSamplesAtOnce at a time
  std::int64_t samples = 0;  // where nothing is fed
  bool incremental = true;
};

class Model::Impl {
 public:
  Impl(ModelSource from, int wanted_threads);

  std::vector<Tensor> run(ModelCall call);
  std::vector<double> density(std::vector<Feed> feeds, const DensityOptions& options);

  const ModelSource source;
  const std::shared_ptr<const Graph> graph;  // as the document writes it
  const int threads;

 private:
  Way& way_of(const std::string& key, ModelCall& call);
  std::shared_ptr<ParameterStore> weights_of(const Graph& wanted) const;

  std::mutex mutex_;  // guards what follows, and the executor's one thread at a time
  Executor executor_;
  const std::shared_ptr<ParameterStore> weights_;  // of `graph`
  std::map<std::string, Way> ways_;
  std::map<std::pair<std::vector<std::string>, std::int64_t>, std::unique_ptr<DensityPass>> densities_;
};

// Values of a caller as feeds.
std::vector<Feed> feeds_of(const Feeds& values);
// The port of each feed, by its name.
void find_ports(const Graph& graph, std::vector<Feed>& feeds);
// The first input of the graph; throws Error(usage) where there is none.
std::string first_input(const Graph& graph);

}  // namespace loom
