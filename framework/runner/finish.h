// The files that a finished training job leaves in addition to its checkpoints: pictures and the report.
#pragma once

#include <string>
#include <vector>

namespace loom::runner {

// Paths; "" where there is nothing to show (no `generate:` entry, values that are no images).
struct FinishedFiles {
  std::string samples, reconstructions, report;
};

// Writes samples.png, reconstructions.png (of sounds: samples.wav, originals.wav and reconstructions.wav) and
// report.html into a run, from its best weights. What cannot be made is warned about: a training is never lost for the
// sake of a picture. `plugins` are those of --plugin.
FinishedFiles finish_run(const std::string& run, int threads, const std::vector<std::string>& plugins);

}  // namespace loom::runner
