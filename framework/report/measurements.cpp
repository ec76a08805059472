#include "report/measurements.h"

#include <fmt/format.h>

#include <algorithm>

#include "generate/sampling.h"
#include "io/wav.h"
#include "loom/error.h"
#include "measure/shuffle.h"
#include "report/pictures.h"

namespace loom::report {
namespace {

constexpr std::int64_t kReconstructed = 1000, kShuffled = 1000;  // maximum number of items
constexpr std::int64_t kDrawn = 32;                              // the same if each is drawn position by position
constexpr std::int64_t kScored = 10000;                          // as in Chen et al. 2018

using Tensors = std::map<std::string, TensorView>;

// Adds the values of a session's metrics of one kind to its evaluation.
class Measurement {
 public:
  Measurement(Session& session, Evaluation& evaluation) : session_(session), evaluation_(evaluation) {
    Diagnostics findings;
    metrics_ = choose_metrics(session.document(), session.registry(), findings);
    findings.throw_if_any();
  }
  void add(Measured what, const Tensors& inputs) {
    const MetricPass pass{
        .samples = inputs.begin()->second.samples(), .seed = session_.seed(), .threads = &session_.executor()};
    for (const ChosenMetric& chosen : metrics_) {
      if (chosen.type->contract.measured() == what) add(measure_tensors(chosen, inputs, pass, "", evaluation_.split));
    }
  }
  void add(const std::vector<MetricValue>& values) {
    evaluation_.values.insert(evaluation_.values.end(), values.begin(), values.end());
  }

 private:
  Session& session_;
  Evaluation& evaluation_;
  std::vector<ChosenMetric> metrics_;
};

// The posterior means of all latent variables, concatenated: [items, D].
Tensor codes_of(std::span<const Tensor> means) {
  std::int64_t width = 0;
  for (const Tensor& one : means) width += one.view().per_sample();
  Tensor codes(DType::f32, {means.front().shape()[0], width});
  for (std::int64_t n = 0; n < codes.shape()[0]; ++n) {
    auto to = codes.view()[n].begin();
    for (const Tensor& one : means) to = std::ranges::copy(one.view()[n], to).out;
  }
  return codes;
}

void score(Session& session, const measure::Items& items, const std::vector<Posterior>& posteriors,
           Measurement& measurement) {
  if (items.source->factor_sizes().empty()) {
    throw Error(ErrorCode::not_supported,
                fmt::format("the data '{}' has no known factors of variation", items.source->name()),
                "--disentanglement needs a data set that declares factors, such as sprites");
  }
  if (posteriors.empty())
    throw Error(ErrorCode::not_supported,
                "the graph has no latent variable: no sampler with an input mu, and no bottleneck");
  std::vector<Port> ports;
  for (const Posterior& posterior : posteriors) ports.push_back(posterior.mu);
  const std::vector<Tensor> values =
      measure::encode({session.graph(), session.parameters(), session.executor()}, items, ports, {"factors"});
  const Tensor codes = codes_of(std::span(values).first(ports.size()));
  measurement.add(Measured::factors, {{"codes", codes.view()}, {"factors", values.back().view()}});
}

// Of a graph that reconstructs: none of a prior alone. An entry of the document has to hold.
std::optional<GenerateEntry> reconstruction(const ModelSource& model) {
  try {
    return reconstruction_entry(model, "reconstruct");
  } catch (const Error&) {
    if (find_generate(model.document(), "reconstruct") != nullptr) throw;
    return std::nullopt;
  }
}

void compare_reconstructions(Session& session, const ModelSource& model, const DataEntry& data,
                             const EvaluationOptions& options, Measurement& measurement) {
  const std::optional<GenerateEntry> entry = reconstruction(model);
  if (!entry) return;
  const std::int64_t most = entry->autoregressions.empty() && entry->iterations.empty() ? kReconstructed : kDrawn,
                     count = options.limit > 0 ? std::min(options.limit, most) : most;
  const Reconstructions pairs =
      reconstruct(model, session.executor(), *entry, data, options.split, count, session.seed());
  if (pairs.originals.dtype() != DType::f32 || pairs.reconstructions.dtype() != DType::f32) return;
  if (pairs.originals.count() != pairs.reconstructions.count() || pairs.originals.count() == 0) return;
  Tensors inputs = {{"original", pairs.originals.view()}, {"reconstruction", pairs.reconstructions.view()}};
  const bool masked = pairs.mask.count() > 1 || pairs.mask.shape().rank() > 0;
  if (masked) inputs["mask"] = pairs.mask.view();
  const ColumnCard* x = model.card() ? model.card()->find("x") : nullptr;
  const bool is_table = x != nullptr && !x->column.features.empty() && x->column.event.rank() == 1 &&
                        x->column.event.count() == pairs.originals.view().per_sample();
  const Tensor columns(DType::f32, is_table ? x->column.event : Shape{1});
  if (is_table) inputs.emplace("columns", columns.view());
  measurement.add(Measured::reconstructions, inputs);
  if (model.sample_rate("") > 0 && sound_channels(pairs.reconstructions.shape()) == 1)
    measurement.add(Measured::sounds, inputs);
  // Rows of numbers and sounds can be drawn, but are no images.
  const Shape& event = x != nullptr ? x->column.event : pairs.originals.shape().event();
  if (event.rank() < 2 || model.sample_rate("") > 0) return;
  if (const auto images = image_pairs(pairs, picture_like(model, pairs.originals.shape().event()))) {
    Tensors seen = {{"original", images->originals}, {"reconstruction", images->reconstructions}};
    if (masked) seen["mask"] = TensorView(DType::f32, images->originals.shape(), pairs.mask.view().raw());
    measurement.add(Measured::images, seen);
  }
}

// What the codes of a second of sound cost, of each quantizer.
void add_bit_rates(const ModelSource& model, const Session& session, Measurement& measurement,
                   const std::vector<MetricValue>& values) {
  const std::int64_t rate = model.sample_rate("");
  const ColumnCard* sound = model.card() ? model.card()->find("x") : nullptr;
  if (rate <= 0 || sound == nullptr || sound->column.event.rank() < 1) return;
  const Shape& event = sound->column.event;
  const double seconds = static_cast<double>(event[0]) / static_cast<double>(rate);
  for (const MetricValue& value : values) {
    const auto type = session.registry().find<MetricType>("codebook");
    if (value.key != "bits_per_item" || type == nullptr) continue;
    measurement.add(described(type->contract, {{"bits_per_second", number_of(value).value() / seconds}}, value.subject,
                              value.split));
  }
}

}  // namespace

Evaluation measure(Session& session, const ModelSource& model, const DataEntry& data, const EvaluationOptions& options,
                   bool disentanglement) {
  Evaluation evaluation = session.evaluate(options);
  Measurement measurement(session, evaluation);
  const std::vector<LossTerm> terms = resolve_losses(session.document(), *session.graph());
  const std::vector<Posterior> posteriors = find_posteriors(*session.graph(), terms);
  measure::Items items{.source = model.open(data, options.split),
                       .count = options.limit > 0 ? std::min(options.limit, kShuffled) : kShuffled,
                       .shuffle = true,
                       .seed = session.seed(),
                       .batch = session.batch()};
  for (const Posterior& posterior : posteriors) {
    if (!posterior.drawn.valid()) continue;
    measurement.add(measure::shuffle_change({session.graph(), session.parameters(), session.executor()}, items,
                                            posterior, terms, evaluation.split));
  }
  add_bit_rates(model, session, measurement, std::vector<MetricValue>(evaluation.values));
  compare_reconstructions(session, model, data, options, measurement);
  items.count = kScored;
  if (disentanglement) score(session, items, posteriors, measurement);
  return evaluation;
}

}  // namespace loom::report
