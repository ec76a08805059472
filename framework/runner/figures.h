// The metrics of `eval`, and their presentation.
//
// Thread safety: one thread. Errors: not_supported for scores of disentanglement on data without known factors or a
// model without a posterior; those of the session and of the data.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generate/model_source.h"
#include "measure/codebook.h"
#include "measure/collapse.h"
#include "measure/disentanglement.h"
#include "measure/image_quality.h"
#include "measure/shuffle.h"
#include "train/session.h"

namespace loom::runner {

struct LatentFigures {
  measure::Collapse collapse;
  std::optional<measure::ShuffleChange> shuffle;
  std::string finding;  // a sentence
};

struct Figures {
  std::vector<LatentFigures> latents;           // one per posterior
  std::vector<measure::CodebookUse> codebooks;  // one per quantizer
  std::vector<std::string> codebook_findings;   // a sentence of each
  std::optional<measure::ImageQuality> quality;
  std::optional<double> normalised_error;  // of reconstructions of real values
  std::int64_t reconstructed = 0;          // items that quality and normalised_error are of
  // Of reconstructed sounds, dB: to their originals, and for comparison to the originals of other items.
  std::optional<std::pair<double, double>> spectral_distance;
  std::optional<measure::Disentanglement> scores;
  std::int64_t scored_items = 0;
};

// Evaluates the session, whose weights are loaded, and measures beside it.
Figures measure_figures(Session& session, const ModelSource& model, const DataEntry& data, EvaluationOptions options,
                        bool disentanglement, Evaluation& evaluation);

void add_to_json(const Figures& figures, nlohmann::ordered_json& json);
void print_figures(const Figures& figures);
// A line of eval's table.
void print_row(const std::string& name, double value, const char* unit, double error = 0);

}  // namespace loom::runner
