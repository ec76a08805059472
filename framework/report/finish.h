// The files that a finished training job leaves in addition to its checkpoints: pictures and the report.
#pragma once

#include <array>
#include <string>

#include "loom/model.h"

namespace loom::report {

struct FinishedFile {
  std::string name, path = {};  // the path is "" where there is nothing to show: no images, no latent variable, no run
};
struct FinishedFiles {
  FinishedFile samples{"samples"}, reconstructions{"reconstructions"}, traversal{"traversal"}, report{"report"};
  // In the order in which they are shown.
  std::array<const FinishedFile*, 4> all() const { return {&samples, &reconstructions, &traversal, &report}; }
};

// Writes samples.png, reconstructions.png (of sounds: samples.wav, originals.wav and reconstructions.wav), traversal.png and
// report.html into a run, from its best weights. What cannot be made is told to options.notice: a training is never
// lost for the sake of a picture. Of the options, plugins, threads and notice are used.
FinishedFiles finish_run(const std::string& run, const ModelOptions& options);

}  // namespace loom::report
