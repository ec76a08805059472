#include "generate/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"
#include "train/complete_entry.h"

namespace loom {
namespace {

// An entry of the document, or of a name that follows from the graph; throws Error(usage) otherwise.
void require_name(const Document& document, const std::string& name, const std::string& known) {
  if (name == known || find_generate(document, name) != nullptr) return;
  Diagnostic finding;
  finding.code = ErrorCode::usage;
  finding.where = {document.file, 0, 0};
  finding.message = fmt::format("the graph has no generate.{}", name);
  std::vector<std::string> names = {known};
  for (const GenerateEntry& entry : document.generate)
    if (entry.name != known) names.push_back(entry.name);
  finding.expected = fmt::format("one of {}", fmt::join(names, ", "));
  finding.suggestion = nearest_name(name, names);
  finding.hint = fmt::format("write generate: {{{}: {{draw: {{z: {{type: standard_normal}}}}, show: mean}}}}", name);
  throw Error(std::move(finding));
}

void require_not_fed(const Document& document, const std::string& name) {
  const GenerateEntry* entry = find_generate(document, name);
  if (entry == nullptr || entry->feeds.empty()) return;
  throw Error(ErrorCode::usage, fmt::format("generate.{} takes values from a file", name),
              fmt::format("graph-runner decode RUN --name {} --codes F.npy", name));
}

}  // namespace

const GenerateEntry* find_generate(const Document& document, const std::string& name) {
  const auto it = std::ranges::find(document.generate, name, &GenerateEntry::name);
  return it == document.generate.end() ? nullptr : &*it;
}

GenerateEntry sampling_entry(const ModelSource& model, const std::string& name, const std::string& likelihood) {
  require_name(model.document(), name, "sample");
  require_not_fed(model.document(), name);
  return complete_entry(model.document(), model.registry(), {.name = name, .likelihood = likelihood});
}

GenerateEntry reconstruction_entry(const ModelSource& model, const std::string& name, const std::string& likelihood) {
  require_name(model.document(), name, "reconstruct");
  require_not_fed(model.document(), name);
  return complete_entry(model.document(), model.registry(),
                        {.name = name, .data = true, .labels = false, .likelihood = likelihood});
}

GenerateEntry decoding_entry(const ModelSource& model, const std::string& name, const std::string& likelihood,
                             std::vector<std::string> given) {
  require_name(model.document(), name, "decode");
  const GenerateEntry* entry = find_generate(model.document(), name);
  if (name != "decode" && entry->feeds.empty())
    throw Error(ErrorCode::usage, fmt::format("generate.{} does not take values from a file", name),
                fmt::format("write generate: {{{}: {{feed: quantizer.codes, draw: ..., show: decoder}}}}", name));
  return complete_entry(model.document(), model.registry(),
                        {.name = name, .fed = true, .likelihood = likelihood, .given = std::move(given)});
}

GenerateEntry latent_entry(const ModelSource& model, const LatentRequest& request) {
  return complete_entry(model.document(), model.registry(),
                        {.name = "",
                         .data = request.data,
                         .labels = request.has_class,
                         .priors = false,
                         .likelihood = request.likelihood,
                         .given = {request.latent}});
}

}  // namespace loom
