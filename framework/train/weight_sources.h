// `weights: PATH` of a use: the nodes of a used graph start with what a run has learnt.
//
// A path is the folder of a run, whose best checkpoint counts (the newest one where there is no best), or a safetensors
// file. What is loaded this way is part of the checkpoints of the run that uses it, which then stands alone.
//
// Thread safety: functions of their arguments. Errors, with the place of `weights:`: run_not_found (no such run or
// file, or a run without a checkpoint), checkpoint_corrupt, checkpoint_mismatch with the first parameters that do not
// fit.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "run/parameter_store.h"
#include "train/run_folder.h"

namespace loom {

// Whether each can be loaded into the parameters of this graph, without their values.
void check_weight_sources(const Document& document, const ParameterStore& store, Diagnostics& diagnostics);

// Throws one Error with everything wrong.
std::vector<LoadedWeights> load_weight_sources(const Document& document, ParameterStore& store);

}  // namespace loom
