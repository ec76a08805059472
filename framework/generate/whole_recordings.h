// Recordings of any length, each as one item: the graph opens at the recording's length, rounded up to whole pieces of the
// length that the run was trained on, and what it gives is cut back to the recording. So codes and sounds have no seams, and
// are those of one long piece. Memory grows with the length of a recording; where it does not suffice, cut the file.
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
  std::int64_t frames = 0;   // at the rate of the data
  std::int64_t rounded = 0;  // to whole pieces
  DataEntry data;            // the file as one item, padded with silence; all of it is in the split "all"
};

// The recordings of a split of the data, in its order.
std::vector<Recording> whole_recordings(const ModelSource& model, const DataEntry& data, const std::string& split);

}  // namespace loom
