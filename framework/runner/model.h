// A model as the verbs take it: a graph file or the folder of a run.
//
// Ownership: owns its registry, which graphs built from it must not outlive. Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "document/document.h"
#include "document/rewrite.h"
#include "graph/graph.h"
#include "run/parameter_store.h"
#include "train/run_folder.h"

namespace loom::runner {

struct ModelOptions {
  std::vector<std::string> overrides;  // "path=value", of a graph file
  std::string weights;                 // a safetensors file in place of a run's checkpoint
  bool newest = false;                 // a run's newest checkpoint in place of its best
  std::vector<std::string> plugins;    // of --plugin
};

class Model {
 public:
  // Errors: those of the document; run_not_found for a folder that is no run; usage for --set on a run.
  explicit Model(const std::string& path, const ModelOptions& options = {});

  const Registry& registry() const { return *registry_; }
  const Document& document() const { return document_; }
  bool is_run() const { return settings_.has_value(); }
  const RunSettings& settings() const { return *settings_; }
  const std::string& path() const { return path_; }
  const std::string& weights() const { return weights_; }  // "": initial values
  std::uint64_t seed() const { return settings_ ? settings_->seed : document_.train.seed; }

  // The data of --data, else of the run, else of the document; throws Error(usage) where nothing names any.
  DataEntry data(const std::string& specification) const;
  // Parameters of `graph`: initial values drawn from `seed`, then the weights, if there are any.
  std::unique_ptr<ParameterStore> parameters(const Graph& graph, std::uint64_t seed) const;
  std::unique_ptr<ParameterStore> parameters(const Graph& graph) const { return parameters(graph, seed()); }

 private:
  std::unique_ptr<Registry> registry_;
  std::string path_;
  Document document_;
  std::optional<RunSettings> settings_;
  std::string weights_;
};

}  // namespace loom::runner
