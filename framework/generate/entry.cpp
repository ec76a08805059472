#include "generate/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {

const GenerateEntry* find_generate(const Document& document, const std::string& name) {
  const auto it = std::ranges::find(document.generate, name, &GenerateEntry::name);
  return it == document.generate.end() ? nullptr : &*it;
}

const GenerateEntry& require_generate(const Document& document, const std::string& name) {
  if (const GenerateEntry* entry = find_generate(document, name)) return *entry;
  Diagnostic finding;
  finding.code = ErrorCode::usage;
  finding.where = {document.file, 0, 0};
  finding.message = fmt::format("the graph does not say how to {0}: it has no generate.{0}", name);
  std::vector<std::string> names;
  for (const GenerateEntry& entry : document.generate) names.push_back(entry.name);
  finding.suggestion = nearest_name(name, names);
  finding.hint =
      "write generate: {sample: {draw: {z: {type: standard_normal}}, show: mean}, reconstruct: {show: mean}}";
  throw Error(std::move(finding));
}

const GenerateEntry& require_fed(const Document& document, const std::string& name) {
  const GenerateEntry& entry = require_generate(document, name);
  if (entry.feeds.empty()) {
    throw Error(ErrorCode::usage, fmt::format("generate.{} does not take values from a file", name),
                fmt::format("write generate: {{{}: {{feed: quantizer.codes, draw: ..., show: decoder}}}}", name));
  }
  return entry;
}

void require_not_fed(const GenerateEntry& entry) {
  if (entry.feeds.empty()) return;
  throw Error(ErrorCode::usage, fmt::format("generate.{} takes values from a file", entry.name),
              fmt::format("graph-runner decode RUN --name {} --codes F.npy", entry.name));
}

}  // namespace loom
