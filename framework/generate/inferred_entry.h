// Entries of `generate` that a document leaves out and that follow from its latent variables.
//
// Thread safety: functions of their arguments. Errors: usage, with the entry that is needed.
#pragma once

#include "generate/model_source.h"

namespace loom {

// generate.NAME. A missing `decode` takes the values of the latent variables (posterior.h) and shows what `sample` shows,
// else `reconstruct`. A model of codes needs one of its own, which looks them up.
GenerateEntry decode_entry(const ModelSource& model, const std::string& name);

}  // namespace loom
