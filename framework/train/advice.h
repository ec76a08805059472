// Sentences that summarise measured metrics, and the remedies that a document has not used yet: against posterior
// collapse, and against low usage of a codebook.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "document/document.h"
#include "train/metric_set.h"
#include "train/objectives.h"

namespace loom {

// "3 of 10 latent dimensions carry information; 0, 2, 5 have collapsed".
std::string collapse_sentence(std::int64_t dimensions, const std::vector<std::int64_t>& collapsed);
// "37 of 512 codes are used, perplexity 12.3".
std::string codebook_sentence(std::int64_t used, std::int64_t codes, double perplexity);

// What this document could still do. Remedies are found by the options and outputs that the nodes declare; those in use
// are omitted.
std::vector<std::string> collapse_remedies(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                           const Posterior& posterior);
std::vector<std::string> codebook_remedies(const Graph& graph, const std::string& quantizer);

// Adds the value "finding", a sentence, for each latent variable and each quantizer among the values: with remedies if
// dimensions have collapsed, or if fewer than half of the codes are used.
void add_findings(const Document& document, const TrainingPlan& plan, const Graph& graph,
                  std::vector<MetricValue>& values);
// The sentences, one per line.
std::string findings_text(const std::vector<MetricValue>& values);

}  // namespace loom
