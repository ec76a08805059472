// Entries of `generate` as the verbs use them: those of the document, with what it leaves out (train/complete_entry.h).
//
// Thread safety: functions of their arguments. Errors: usage, missing_input, bad_fetch; those of the options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "document/rewrite.h"
#include "generate/model_source.h"
#include "loom/model.h"

namespace loom {

// The entry of this name as the document has it; null where there is none.
const GenerateEntry* find_generate(const Document& document, const std::string& name);

// `draws`: its likelihood, and keys of `iterate` in place of the entry's. Throws usage for keys of an entry that does not
// iterate, out_of_range and missing_option for what they say.
// Without data: whatever is shown is drawn. "sample" may be missing.
GenerateEntry sampling_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws = {});
// From data. "reconstruct" may be missing.
GenerateEntry reconstruction_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws = {});
// From values of the ports `feeds`. "decode" may be missing; `given`: ports whose values come from elsewhere, too.
GenerateEntry decoding_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws = {},
                             std::vector<std::string> given = {});

struct LatentRequest {
  std::string latent;      // the port that is given
  bool data = false;       // an item gives the inputs
  DrawOptions draws = {};  // `class` among its options: which class is drawn
};
// From values of a latent variable. Nothing else is drawn from a prior, since each value would see other draws.
GenerateEntry latent_entry(const ModelSource& model, const LatentRequest& request);

}  // namespace loom
