// The files that a finished training job leaves in addition to its checkpoints: pictures and the report.
#pragma once

#include <string>

#include "loom/model.h"

namespace loom::report {

// Paths; "" where there is nothing to show (no `generate:` entry, values that are no images).
struct FinishedFiles {
  std::string samples, reconstructions, report;
};

// Writes samples.png, reconstructions.png (of sounds: samples.wav, originals.wav and reconstructions.wav) and
// report.html into a run, from its best weights. What cannot be made is told to options.notice: a training is never
// lost for the sake of a picture. Of the options, plugins, threads and notice are used.
FinishedFiles finish_run(const std::string& run, const ModelOptions& options);

}  // namespace loom::report
