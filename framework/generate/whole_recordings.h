// Recordings of any length, each as one item: the graph opens at the recording's length, rounded up to whole pieces of the
// length that the run was trained on, and what it gives is cut back to the recording. So codes and sounds have no seams, and
// are those of one long piece. How a long one is computed: recording_run.h.
//
// Thread safety: functions of their arguments. Errors: data_wrong_format for data that are not sounds; those of the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "generate/model_source.h"

namespace loom {

struct Recording {
  std::string file;
  std::string name = {};     // of what is written of it: unique_names()
  std::int64_t frames = 0;   // at the rate of the data
  std::int64_t rounded = 0;  // to whole pieces
  std::int64_t piece = 0;    // that the run was trained on
  DataEntry data;            // the file as one item, padded with silence; all of it is in the split "all"
};

// A name for each file that no other has: its own without folders and ending; with its folders below the common one where
// that is taken ("a-x", "b-x"), then with its ending too, then with a number.
std::vector<std::string> unique_names(const std::vector<std::string>& files);

// The recordings of a split of the data, in its order.
std::vector<Recording> whole_recordings(const ModelSource& model, const DataEntry& data, const std::string& split);

}  // namespace loom
