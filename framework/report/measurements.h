// Every metric of a trained model on a split of its data: those of an evaluation's own pass, and those that need
// reconstructions, decoded draws or posterior means.
//
// Thread safety: one thread. Errors: not_supported for scores of disentanglement on data without known factors or a
// model without a posterior; those of the session and of the data.
#pragma once

#include "generate/model_source.h"
#include "train/session.h"

namespace loom::report {

// Evaluates the session, whose weights are loaded. `disentanglement`: also the metrics of Measured::factors.
Evaluation measure(Session& session, const ModelSource& model, const DataEntry& data, const EvaluationOptions& options,
                   bool disentanglement);

}  // namespace loom::report
