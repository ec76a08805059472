// Entries of `generate` as the verbs use them: those of the document, with what it leaves out (train/complete_entry.h).
//
// Thread safety: functions of their arguments. Errors: usage, missing_input, bad_fetch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "document/rewrite.h"
#include "generate/model_source.h"

namespace loom {

// The entry of this name as the document has it; null where there is none.
const GenerateEntry* find_generate(const Document& document, const std::string& name);

// `likelihood`: "mean", "draw", or "": as the entry says.
// Without data: whatever is shown is drawn. "sample" may be missing.
GenerateEntry sampling_entry(const ModelSource& model, const std::string& name, const std::string& likelihood = "");
// From data. "reconstruct" may be missing.
GenerateEntry reconstruction_entry(const ModelSource& model, const std::string& name,
                                   const std::string& likelihood = "");
// From values of the ports `feeds`. "decode" may be missing; `given`: ports whose values come from elsewhere, too.
GenerateEntry decoding_entry(const ModelSource& model, const std::string& name, const std::string& likelihood = "",
                             std::vector<std::string> given = {});

struct LatentRequest {
  std::string latent;      // the port that is given
  bool data = false;       // an item gives the inputs
  bool has_class = false;  // an option says which class is drawn
  std::string likelihood = {};
};
// From values of a latent variable. Nothing else is drawn from a prior, since each value would see other draws.
GenerateEntry latent_entry(const ModelSource& model, const LatentRequest& request);

}  // namespace loom
