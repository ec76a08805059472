// Where a model comes from: a graph file or the folder of a run, with its plugins and its weights.
//
// Ownership: owns its registry, which graphs built from it must not outlive. Thread safety: a ModelSource is constant
// once made and fitted; several may be made and destroyed at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/source.h"
#include "document/document.h"
#include "document/rewrite.h"
#include "graph/graph.h"
#include "loom/model.h"
#include "run/parameter_store.h"
#include "train/run_folder.h"

namespace loom {

class ModelSource {
 public:
  // Errors: those of the document; run_not_found for a folder that is not a run; usage for overrides of a run.
  explicit ModelSource(const std::string& path, const ModelOptions& options = {});
  explicit ModelSource(const DocumentText& document, const ModelOptions& options = {});

  const Registry& registry() const { return *registry_; }
  const Document& document() const { return document_; }
  bool is_run() const { return settings_.has_value(); }
  const RunSettings& settings() const { return *settings_; }
  const std::string& path() const { return path_; }
  const std::string& weights() const { return weights_; }  // "": initial values
  std::int64_t steps_done() const;  // of the checkpoint that the weights are; 0 for other weights
  std::uint64_t seed() const { return seed_ ? *seed_ : settings_ ? settings_->seed : document_.train.seed; }
  void notice(const std::string& sentence) const {
    if (notice_) notice_(sentence);
  }

  // The data of this specification, else of the run, else of the document; throws Error(usage) where nothing names any.
  // Options that a specification leaves out are those of the run's data card.
  DataEntry data(const std::string& specification) const;
  // The data card of the run, or of the file that the weights come from; null where there is none.
  const std::shared_ptr<const DataCard>& card() const { return card_; }
  // Opens the graph at the size of the items (fit_inputs.h). Not after a graph has been built.
  void fit(const DataSource& data);
  // A split of these data, read as the run's were.
  std::shared_ptr<const DataSource> open(const DataEntry& data, const std::string& split) const;
  // Of the data set, in Hz; 0 where its items are no sounds, or where it cannot be opened, which is noticed.
  // `specification` replaces the model's own.
  std::int64_t sample_rate(const std::string& specification) const;
  // Parameters of `graph`: initial values drawn from `seed`, then the weights, if there are any.
  std::unique_ptr<ParameterStore> parameters(const Graph& graph, std::uint64_t seed) const;
  std::unique_ptr<ParameterStore> parameters(const Graph& graph) const { return parameters(graph, seed()); }

 private:
  std::unique_ptr<Registry> registry_;
  std::string path_;
  Document document_;
  std::optional<RunSettings> settings_;
  std::shared_ptr<const DataCard> card_;
  std::string weights_;
  std::optional<std::uint64_t> seed_;
  std::function<void(const std::string&)> notice_;
};

}  // namespace loom
