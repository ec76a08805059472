// What the measurements of collapse say, in a sentence, and which remedies a document has not used yet.
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

// Remedies that this document could use against collapse, one each; those in use are left out. Found by the options and
// outputs that the divergence's node declares.
std::vector<std::string> remedies(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const Posterior& posterior);

// The sentence of every posterior, with the remedies where dimensions have collapsed.
std::vector<std::string> findings(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const std::vector<Posterior>& posteriors, const std::vector<Collapse>& measured);

// A CollapseWatch that leaves the findings, one a line, as the note "collapse".
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
