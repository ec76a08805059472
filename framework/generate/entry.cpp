#include "generate/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/iteration_section.h"
#include "graph/check_options.h"
#include "loom/error.h"
#include "train/check_iteration.h"
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

// A key of `iterate` in place of what each iteration of the entry says.
void set_iteration(GenerateEntry& entry, const std::string& key, const OptionValue& value, Diagnostics& findings) {
  const Contract& keys = iteration_section().contract();
  const auto declared = std::ranges::find(keys.options(), key, &OptionDeclaration::name);
  if (declared == keys.options().end() || !declared->constraint.structure.empty()) {
    std::vector<std::string> names;
    for (const OptionDeclaration& option : keys.options())
      if (option.constraint.structure.empty()) names.push_back(option.name);
    findings.add_unknown_word({}, fmt::format("iterate has no option '{}'", key), key, names).code = ErrorCode::usage;
    return;
  }
  const OptionValue accepted = accept_value(declared->constraint, value, {}, "iterate." + key, findings);
  if (accepted.empty()) return;
  for (IterationEntry& iteration : entry.iterations) iteration_section().set(key, accepted, iteration);
}

GenerateEntry with_options(GenerateEntry entry, const DrawOptions& draws) {
  if (draws.iterate.empty()) return entry;
  if (entry.iterations.empty())
    throw Error(
        ErrorCode::usage,
        fmt::format("generate.{} does not iterate: '{}' has no effect", entry.name, draws.iterate.begin()->first),
        fmt::format("write generate: {{{}: {{iterate: {{state: NODE, time: NODE, by: NODE}}}}}}", entry.name));
  Diagnostics findings;
  for (const auto& [key, value] : draws.iterate) set_iteration(entry, key, value, findings);
  if (findings.empty())
    for (const IterationEntry& iteration : entry.iterations) check_iteration_settings(iteration, findings);
  findings.throw_if_any();
  return entry;
}

}  // namespace

const GenerateEntry* find_generate(const Document& document, const std::string& name) {
  const auto it = std::ranges::find(document.generate, name, &GenerateEntry::name);
  return it == document.generate.end() ? nullptr : &*it;
}

GenerateEntry sampling_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws) {
  require_name(model.document(), name, "sample");
  require_not_fed(model.document(), name);
  return with_options(
      complete_entry(model.document(), model.registry(), {.name = name, .likelihood = draws.likelihood}), draws);
}

GenerateEntry reconstruction_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws) {
  require_name(model.document(), name, "reconstruct");
  require_not_fed(model.document(), name);
  return with_options(complete_entry(model.document(), model.registry(),
                                     {.name = name, .data = true, .labels = false, .likelihood = draws.likelihood}),
                      draws);
}

GenerateEntry decoding_entry(const ModelSource& model, const std::string& name, const DrawOptions& draws,
                             std::vector<std::string> given) {
  require_name(model.document(), name, "decode");
  const GenerateEntry* entry = find_generate(model.document(), name);
  if (name != "decode" && entry->feeds.empty())
    throw Error(ErrorCode::usage, fmt::format("generate.{} does not take values from a file", name),
                fmt::format("write generate: {{{}: {{feed: quantizer.codes, draw: ..., show: decoder}}}}", name));
  return with_options(
      complete_entry(model.document(), model.registry(),
                     {.name = name, .fed = true, .likelihood = draws.likelihood, .given = std::move(given)}),
      draws);
}

GenerateEntry latent_entry(const ModelSource& model, const LatentRequest& request) {
  return with_options(complete_entry(model.document(), model.registry(),
                                     {.name = "",
                                      .data = request.data,
                                      .labels = request.draws.options.contains("class"),
                                      .priors = false,
                                      .likelihood = request.draws.likelihood,
                                      .given = {request.latent}}),
                      request.draws);
}

}  // namespace loom
