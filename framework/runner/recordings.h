// --whole-recordings of reconstruct and encode: each recording as one item (generate/whole_recordings.h).
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "generate/model_source.h"
#include "loom/model.h"

namespace loom::runner {

struct WholeRecordings {
  std::string model, data, split, out;
  ModelOptions options;
  std::string entry;               // of reconstruct
  std::vector<std::string> ports;  // of encode
  std::int64_t count = 0;          // only the first recordings; 0: all
  std::int64_t rate = 0;           // Hz; 0: that of the data
  std::uint64_t seed = 1;
  int threads = 0;
  DrawOptions draws = {};  // of reconstruct
};

// Writes the reconstruction of each recording, as long as the recording: --out itself, or NAME-FILE.wav of several.
int reconstruct_recordings(const WholeRecordings& request);
// Writes the codes of each recording into an .npz archive: PORT, or FILE.PORT of several, [1, positions, ...].
int encode_recordings(const WholeRecordings& request);

}  // namespace loom::runner
