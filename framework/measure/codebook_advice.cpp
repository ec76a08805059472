#include "measure/codebook_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace loom::measure {
namespace {

// The option has a choice of words, `word` among them, and another one is made.
bool could_be(const GraphNode& node, const std::string& option, const std::string& word) {
  const auto& declared = node.contract().options();
  const auto it = std::ranges::find(declared, option, &OptionDeclaration::name);
  return it != declared.end() && std::ranges::find(it->constraint.choices, word) != it->constraint.choices.end() &&
         node.options.is_text(option) && node.options.text(option) != word;
}

}  // namespace

bool is_low(const CodebookUse& use) {
  return static_cast<double>(use.used()) < kLowUse * static_cast<double>(use.codes());
}

std::string sentence(const CodebookUse& use) {
  return fmt::format("{} of {} codes {} used, perplexity {:.1f}", use.used(), use.codes(),
                     use.used() == 1 ? "is" : "are", use.perplexity());
}

std::vector<std::string> remedies(const Graph& graph, const CodebookUse& use) {
  std::vector<std::string> out;
  const int index = graph.find(use.path);
  if (index < 0) return out;
  const GraphNode& node = graph.node(index);
  const auto names = node.contract().option_names();
  if (could_be(node, "init", "kmeans")) out.emplace_back("init: kmeans");
  if (std::ranges::find(names, "restart_after") != names.end() && node.options.integer("restart_after") == 0)
    out.emplace_back("restart_after: 100");
  if (could_be(node, "distance", "cosine")) out.emplace_back("distance: cosine");
  if (!node.inputs.empty() && node.inputs.front().valid()) {
    const std::int64_t dim = graph.shape(node.inputs.front()).back();
    if (dim > 1) out.push_back(fmt::format("codes of fewer dimensions (dim is {})", dim));
  }
  return out;
}

std::vector<std::string> findings(const Graph& graph, const std::vector<CodebookUse>& uses) {
  std::vector<std::string> out;
  for (const CodebookUse& use : uses) {
    std::string text = uses.size() > 1 ? use.path + ": " : "";
    text += sentence(use);
    if (const auto left = remedies(graph, use); is_low(use) && !left.empty())
      text += fmt::format(": that is few. Not tried yet: {}", fmt::join(left, "; "));
    out.push_back(std::move(text));
  }
  return out;
}

WatchedFigures CodebookReporter::finish(Executor& executor) {
  WatchedFigures figures = CodebookWatch::finish(executor);
  if (!uses().empty())
    figures.notes.emplace_back("codebook", fmt::format("{}", fmt::join(findings(graph_, uses()), "\n")));
  return figures;
}

}  // namespace loom::measure
