// `weights: PATH` of a use: the nodes of a used graph start with the weights of a run.
//
// A path is the folder of a run, whose best checkpoint is used (the newest one if there is no best), or a safetensors
// file. Parameters that train.reinitialise matches start anew; `rename` maps names in the file to nodes; a block can be a
// part of the run that has the same path there. Parameters of losses (a learned sigma) are taken over where the file has
// them under the same path and shape. The loaded weights are part of the checkpoints of the run that uses them, which is then self-contained.
//
// --init of a training does the same for a whole graph, but takes whatever fits: by path and shape, losses' parameters,
// states, and moving averages in place of the weights that they are of.
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

// Whether train.reinitialise lets this parameter start anew, where its weights come from elsewhere or its shape changes.
bool starts_anew(const TrainEntry& train, const std::string& parameter);

// Whether each can be loaded into the parameters of this graph, without their values.
void check_weight_sources(const Document& document, const ParameterStore& store, Diagnostics& diagnostics);

// Throws one Error with everything wrong.
std::vector<LoadedWeights> load_weight_sources(const Document& document, const Graph& graph, ParameterStore& store);

struct InitialisedWeights {
  LoadedWeights loaded;
  std::vector<std::string> lines;  // what was taken, and what was not, for people
};
// Takes from a run or a file whatever fits; of a layer that had normalised its weight and does not any more, the weight as it
// was used (train/effective_weight.h). Throws checkpoint_mismatch where nothing fits, or where a name of `rename` is neither
// in the file nor here.
InitialisedWeights load_what_fits(const InitialWeights& from, const TrainEntry& train, const Graph& graph,
                                  ParameterStore& store);

}  // namespace loom
