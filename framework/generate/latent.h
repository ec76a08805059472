// Access to a model's latent space: the posterior means of items, and the decoding of any latent value.
//
// Ownership: keeps graph, weights and data; refers to the model and the executor. Thread safety: one thread.
// Errors: not_supported if the graph has no such posterior or decoding needs data that is not given; usage for an item
// beyond the end of the data; those of the graph and of the data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/batches.h"
#include "generate/model_source.h"
#include "measure/encode.h"
#include "train/posterior.h"

namespace loom {

// The posterior of this loss, the first one for ""; throws Error(not_supported) with the nearest name.
Posterior require_posterior(const ModelSource& model, const Graph& graph, const std::string& name);

class LatentSpace {
 public:
  // `name`: of the posterior.
  LatentSpace(const ModelSource& model, Executor& executor, const std::string& name, std::uint64_t seed,
              DrawOptions draws = {});

  // Items come from this split from now on.
  void open_data(const DataEntry& data, const std::string& split);
  std::int64_t items() const { return source_ ? source_->size() : 0; }

  const Posterior& posterior() const { return posterior_; }
  std::int64_t values() const { return posterior_.positions * posterior_.dimensions; }
  std::vector<float> mean(std::int64_t item) const;
  // generate/rates.h, over the first `most` items. Needs open_data.
  std::vector<double> rates(std::int64_t most) const;
  // Rows of values() each, one after the other; [rows, ...] of what generate.sample shows, or what the likelihood gives.
  // `item` gives the data that decoding reads beside the latent variable, where it does.
  Tensor decode(const std::vector<float>& latents, std::optional<std::int64_t> item) const;

 private:
  Tensor column(const ColumnRequest& request, std::int64_t item, std::int64_t rows) const;

  const ModelSource& model_;
  Executor& executor_;
  std::shared_ptr<const Graph> graph_;
  std::unique_ptr<ParameterStore> store_;
  Posterior posterior_;
  Port latent_;
  std::uint64_t seed_;
  DrawOptions draws_;
  std::shared_ptr<const DataSource> source_;
};

}  // namespace loom
