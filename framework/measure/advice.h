// A sentence that summarises the metrics of posterior collapse, and the remedies that a document has not used yet.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "measure/collapse.h"
#include "train/objectives.h"

namespace loom::measure {

// "3 of 10 latent dimensions carry information; 0, 2, 5 have collapsed".
std::string sentence(const Collapse& measured);

// Remedies for collapse that this document could use; remedies in use are omitted. They are found by the options and
// outputs that the divergence's node declares.
std::vector<std::string> remedies(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const Posterior& posterior);

// The sentence for every posterior, with the remedies if dimensions have collapsed.
std::vector<std::string> findings(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const std::vector<Posterior>& posteriors, const std::vector<Collapse>& measured);

// A CollapseWatch that stores its sentences, one per line, as the note "collapse".
class CollapseReporter : public CollapseWatch {
 public:
  // Refers to the document, the plan and the graph.
  CollapseReporter(const Document& document, const TrainingPlan& plan, const Graph& graph, CollapseLimits limits);
  WatchedFigures finish(Executor& executor) override;

 private:
  const Document& document_;
  const TrainingPlan& plan_;
  const Graph& graph_;
};

}  // namespace loom::measure
