#include "generate/density.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "generate/pass.h"
#include "loom/error.h"
#include "train/evaluation_draws.h"
#include "train/objectives.h"

namespace loom {
namespace {

// Logarithm of the mean of e^value.
double log_mean_exp(std::span<const double> values) {
  const double largest = *std::ranges::max_element(values);
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(values.size()));
}

}  // namespace

DensityPass::DensityPass(const ModelSource& model, std::shared_ptr<ParameterStore> weights, Executor& executor,
                         const std::vector<std::string>& inputs, std::int64_t batch)
    : weights_(std::move(weights)), batch_(batch) {
  const auto plain = build_checked(model.document().nodes, model.registry());
  std::vector<LossTerm> terms;
  for (const LossTerm& term : resolve_losses(model.document(), *plain)) {
    if (term.in_evaluation) terms.push_back(term);
  }
  const Evidence evidence = find_evidence(*plain, terms);
  graph_ = connect_draws(plain, model.document().nodes, model.registry(), evidence);
  ProgramRequest request;
  for (const LossTerm& part : evidence.parts) {
    const bool divergence = part.role == LossRole::divergence;
    request.terms.push_back(
        graph_->port(divergence ? plain->node(part.port.node).path + ".log_ratio" : plain->name_of(part.port),
                     ErrorCode::bad_fetch));
  }
  for (const std::string& name : inputs) request.feeds.push_back(graph_->port(name, ErrorCode::bad_feed));
  request.batch = batch;
  program_ = std::make_unique<Program>(graph_, *weights_, executor, std::move(request));
}

std::vector<double> DensityPass::run(std::span<const TensorView> feeds, std::int64_t samples, std::int64_t draws,
                                     std::uint64_t seed) {
  std::vector<double> densities;
  std::uint32_t step = 0;
  for (std::int64_t done = 0; done < samples; done += batch_) {
    const std::int64_t count = std::min(batch_, samples - done);
    std::vector<TensorView> rows;
    for (const TensorView& feed : feeds) {
      const std::int64_t each = feed.samples() / samples;
      rows.push_back(feed.rows(done * each, count * each));
    }
    std::vector<std::vector<double>> weights(static_cast<std::size_t>(count));  // [sample][draw]
    for (std::int64_t draw = 0; draw < draws; ++draw, ++step) {
      program_->run({.feeds = rows, .weights = {}, .samples = count, .seed = seed ^ kDrawSeed, .step = step});
      for (std::size_t n = 0; n < weights.size(); ++n) {
        double weight = 0;
        for (std::size_t t = 0; t < program_->request().terms.size(); ++t)
          weight -= static_cast<double>(program_->term(static_cast<int>(t))[n]);
        weights[n].push_back(weight);
      }
    }
    for (const std::vector<double>& sample : weights) densities.push_back(log_mean_exp(sample));
  }
  return densities;
}

}  // namespace loom
