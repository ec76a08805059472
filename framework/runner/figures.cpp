#include "runner/figures.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "loom/error.h"
#include "measure/advice.h"
#include "measure/codebook_advice.h"
#include "measure/spectral_distance.h"
#include "runner/console.h"
#include "runner/generate.h"
#include "runner/sound.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kReconstructed = 1000, kShuffled = 1000;  // items at most
constexpr std::int64_t kDrawn = 32;                              // of them, where each is drawn position by position
constexpr std::int64_t kScored = 10000;                          // as in Chen et al. 2018
constexpr std::size_t kDimensionsInText = 32;

// Posterior means of every latent variable, side by side: [items, D].
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

void score(Session& session, const measure::Items& items, const std::vector<measure::Posterior>& posteriors,
           Figures& figures) {
  if (items.source->factor_sizes().empty()) {
    throw Error(ErrorCode::not_supported,
                fmt::format("the data '{}' has no known factors of variation", items.source->name()),
                "--disentanglement needs a data set that declares them, as sprites does");
  }
  if (posteriors.empty())
    throw Error(ErrorCode::not_supported, "the graph has no posterior: no loss is a divergence with an input mu");
  std::vector<Port> ports;
  for (const measure::Posterior& posterior : posteriors) ports.push_back(posterior.mu);
  const std::vector<Tensor> values =
      measure::encode({session.graph(), session.parameters(), session.executor()}, items, ports, {"factors"});
  const Tensor codes = codes_of(std::span(values).first(ports.size()));
  figures.scores = measure::disentanglement(codes, values.back(), session.seed(), session.executor());
  figures.scored_items = codes.shape()[0];
}

void compare_sounds(const Reconstructions& pairs, Figures& figures) {
  const TensorView sounds = pairs.reconstructions.view(), originals = pairs.originals.view();
  const std::int64_t count = sounds.samples();
  if (sounds.per_sample() < 256 || count < 2) return;  // less than a frame
  std::pair<double, double> sum{0, 0};
  for (std::int64_t i = 0; i < count; ++i) {
    sum.first += measure::log_spectral_distance(sounds[i], originals[i]);
    sum.second += measure::log_spectral_distance(sounds[i], originals[(i + 1) % count]);
  }
  figures.spectral_distance = {sum.first / static_cast<double>(count), sum.second / static_cast<double>(count)};
}

void compare_reconstructions(Session& session, const Model& model, const DataEntry& data,
                             const EvaluationOptions& options, Figures& figures) {
  const GenerateEntry* entry = find_generate(model.document(), "reconstruct");
  if (entry == nullptr) return;
  const std::int64_t most = entry->autoregressions.empty() ? kReconstructed : kDrawn,
                     count = options.limit > 0 ? std::min(options.limit, most) : most;
  const Reconstructions pairs =
      reconstruct(model, session.executor(), *entry, data, options.split, count, session.seed());
  if (pairs.originals.dtype() != DType::f32 || pairs.reconstructions.dtype() != DType::f32) return;
  if (pairs.originals.count() != pairs.reconstructions.count() || pairs.originals.count() == 0) return;
  figures.reconstructed = pairs.originals.shape()[0];
  figures.normalised_error = measure::normalised_error(pairs.reconstructions, pairs.originals);
  if (data_rate(model, "") > 0 && has_sound_shape(pairs.reconstructions.shape())) compare_sounds(pairs, figures);
  if (const auto images = image_pairs(pairs))
    figures.quality = measure::image_quality(images->reconstructions, images->originals);
}

Json optional_number(const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); }

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(json_number(value));
  return list;
}

std::string per_dimension_text(const std::vector<double>& values) {
  std::string text;
  for (std::size_t d = 0; d < values.size() && d < kDimensionsInText; ++d) text += fmt::format(" {:.3f}", values[d]);
  if (values.size() > kDimensionsInText) text += fmt::format(" and {} more", values.size() - kDimensionsInText);
  return text;
}

// Under the quantizer's path; a single one's beside the other figures, too.
void add_codebooks(const Figures& figures, Json& json) {
  Json quantizers = Json::object();
  for (std::size_t q = 0; q < figures.codebooks.size(); ++q) {
    const measure::CodebookUse& use = figures.codebooks[q];
    const double entropy = use.entropy();
    Json one = {{"codes", use.codes()},
                {"used_codes", use.used()},
                {"perplexity", json_number(use.perplexity())},
                {"unigram_entropy", json_number(entropy)},
                {"unigram_entropy_bits", json_number(entropy / std::numbers::ln2)}};
    if (figures.codebooks.size() == 1) json.update(one);
    one["finding"] = figures.codebook_findings[q];
    quantizers[use.path] = one;
  }
  if (!quantizers.empty()) json["quantizers"] = quantizers;
}

void print_codebook(const measure::CodebookUse& use, const std::string& finding) {
  print("codes of {}\n", use.path);
  print("  {:<20} {:>12} of {}\n", "used codes", use.used(), use.codes());
  print_row("perplexity", use.perplexity(), "");
  print_row("unigram entropy", use.entropy(),
            fmt::format("nats, {:.4f} bits", use.entropy() / std::numbers::ln2).c_str());
  print("  {}\n", finding);
}

void print_latent(const LatentFigures& latent) {
  const measure::Collapse& collapse = latent.collapse;
  print("latent variable of {}\n", collapse.name);
  print("  {:<20} {:>12} of {}\n", "active units", collapse.active().size(), collapse.variance.size());
  if (collapse.mutual_information) {
    print_row("mutual information", *collapse.mutual_information, "nats");
    print("  {:<20} {:>12} posteriors: at most ln M = {:.2f} nats can be seen\n", "", collapse.posteriors,
          std::log(static_cast<double>(collapse.posteriors)));
  }
  if (collapse.aggregate_kl) print_row("aggregate KL", *collapse.aggregate_kl, "nats");
  if (latent.shuffle) print_row("z shuffled: change", latent.shuffle->nats, "nats of reconstruction");
  if (!collapse.kl.empty()) print("  {:<20}{} nats\n", "KL per dimension", per_dimension_text(collapse.kl));
  print("  {}\n", latent.finding);
}

}  // namespace

Figures measure_figures(Session& session, const Model& model, const DataEntry& data, EvaluationOptions options,
                        bool disentanglement, Evaluation& evaluation) {
  const std::vector<LossTerm> terms = resolve_losses(session.document(), *session.graph());
  const std::vector<measure::Posterior> posteriors = measure::find_posteriors(*session.graph(), terms);
  measure::CollapseWatch watch(*session.graph(), posteriors, {.seed = session.seed()});
  measure::CodebookWatch codebooks(*session.graph());
  EvaluationWatches watches;
  watches.join(watch);
  watches.join(codebooks);
  if (!watches.empty()) options.watch = &watches;
  evaluation = session.evaluate(options);

  Figures figures;
  figures.codebooks = codebooks.uses();
  figures.codebook_findings = measure::findings(*session.graph(), figures.codebooks);
  measure::Items items{.source = open_split(model.registry(), data, options.split),
                       .count = options.limit > 0 ? std::min(options.limit, kShuffled) : kShuffled,
                       .shuffle = true,
                       .seed = session.seed(),
                       .batch = session.batch()};
  const std::vector<measure::Collapse> measured = watch.measure(session.executor());
  const std::vector<std::string> findings =
      measure::findings(session.document(), session.plan(), *session.graph(), posteriors, measured);
  for (std::size_t p = 0; p < measured.size(); ++p) {
    figures.latents.push_back({measured[p],
                               measure::shuffle_change({session.graph(), session.parameters(), session.executor()},
                                                       items, posteriors[p], terms),
                               findings[p]});
  }
  compare_reconstructions(session, model, data, options, figures);
  items.count = kScored;
  if (disentanglement) score(session, items, posteriors, figures);
  return figures;
}

void add_to_json(const Figures& figures, Json& json) {
  Json latents = Json::object();
  for (const LatentFigures& latent : figures.latents) {
    const measure::Collapse& collapse = latent.collapse;
    latents[collapse.name] = {{"dimensions", collapse.variance.size()},
                              {"active_units", collapse.active().size()},
                              {"collapsed", collapse.collapsed()},
                              {"kl_per_dimension", numbers(collapse.kl)},
                              {"variance_of_means", numbers(collapse.variance)},
                              {"mutual_information", optional_number(collapse.mutual_information)},
                              {"mutual_information_posteriors", collapse.posteriors},
                              {"aggregate_kl", optional_number(collapse.aggregate_kl)},
                              {"shuffled_z_change", latent.shuffle ? json_number(latent.shuffle->nats) : Json(nullptr)},
                              {"shuffled_z_samples", latent.shuffle ? latent.shuffle->samples : 0},
                              {"finding", latent.finding}};
  }
  if (!figures.latents.empty()) json["latents"] = latents;
  add_codebooks(figures, json);
  if (figures.quality) {
    json["psnr"] = json_number(figures.quality->psnr);
    json["ssim"] = optional_number(figures.quality->ssim);
    json["reconstructed_images"] = figures.reconstructed;
  }
  if (figures.spectral_distance) {
    json["spectral_distance_db"] = json_number(figures.spectral_distance->first);
    json["spectral_distance_to_others_db"] = json_number(figures.spectral_distance->second);
  }
  if (figures.normalised_error) {
    json["normalised_error"] = json_number(*figures.normalised_error);
    json["reconstructed_items"] = figures.reconstructed;
  }
  if (!figures.scores) return;
  json["mig"] = json_number(figures.scores->mig);
  json["dci_disentanglement"] = json_number(figures.scores->dci_disentanglement);
  json["dci_completeness"] = json_number(figures.scores->dci_completeness);
  json["dci_informativeness"] = json_number(figures.scores->dci_informativeness);
  json["factor_vae"] = json_number(figures.scores->factor_vae);
  json["sap"] = json_number(figures.scores->sap);
  json["disentanglement_items"] = figures.scored_items;
}

void print_figures(const Figures& figures) {
  if (figures.quality) {
    print_row("PSNR", figures.quality->psnr, fmt::format("dB, {} images", figures.reconstructed).c_str());
    if (figures.quality->ssim) print_row("SSIM", *figures.quality->ssim, "");
  }
  if (figures.normalised_error)
    print_row("normalised error", *figures.normalised_error,
              fmt::format("of the variance, {} items", figures.reconstructed).c_str());
  if (figures.spectral_distance) {
    print_row("spectral distance", figures.spectral_distance->first, "dB to the originals");
    print_row("  to other items", figures.spectral_distance->second, "dB");
  }
  for (std::size_t q = 0; q < figures.codebooks.size(); ++q)
    print_codebook(figures.codebooks[q], figures.codebook_findings[q]);
  for (const LatentFigures& latent : figures.latents) print_latent(latent);
  if (!figures.scores) return;
  print("disentanglement, {} items\n", grouped(figures.scored_items));
  print_row("MIG", figures.scores->mig, "");
  print_row("DCI disentanglement", figures.scores->dci_disentanglement, "");
  print_row("DCI completeness", figures.scores->dci_completeness, "");
  print_row("DCI informativeness", figures.scores->dci_informativeness, "accuracy");
  print_row("FactorVAE score", figures.scores->factor_vae, "");
  print_row("SAP", figures.scores->sap, "");
}

void print_row(const std::string& name, double value, const char* unit, double error) {
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();  // without a sign
  print("  {:<20} {:>12.4f}{} {}\n", name, value, error > 0 ? fmt::format(" +- {:.4f}", error) : "", unit);
}

}  // namespace loom::runner
