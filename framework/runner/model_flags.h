// Flags that several verbs share: of those that work with a trained model RUN, --weights, --newest, --threads and --plugin;
// of those that train --algorithms and --precision.
#pragma once

#include <string>
#include <vector>

#include "loom/model.h"
#include "runner/flags.h"

namespace loom::runner {

struct ModelFlags {
  std::string model, weights;
  std::vector<std::string> plugins;
  int threads = 0;
  bool newest = false;

  ModelOptions model_options() const;  // lines about the model go to standard error
};

// Adds RUN now, and the others where add_model_flags is called, so that --help lists them after those of the verb.
void add_model(Verb& verb, ModelFlags& flags);
void add_model_flags(Verb& verb, ModelFlags& flags);

// --algorithms and --precision: run/algorithms.h; "" unless they are given.
void algorithms_flags(Verb& verb, std::string& algorithms, std::string& precision);

}  // namespace loom::runner
