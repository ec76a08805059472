#include "generate/inferred_entry.h"

#include "generate/entry.h"
#include "loom/error.h"
#include "train/posterior.h"

namespace loom {
namespace {

// "q.mu" or "z".
Reference reference_to(const Graph& graph, Port port) {
  const GraphNode& node = graph.node(port.node);
  return {node.path, port.index == 0 ? "" : node.contract().output_names()[static_cast<std::size_t>(port.index)],
          node.where};
}

}  // namespace

GenerateEntry decode_entry(const ModelSource& model, const std::string& name) {
  const Document& document = model.document();
  const GenerateEntry* shown = find_generate(document, "sample");
  if (shown == nullptr) shown = find_generate(document, "reconstruct");
  if (find_generate(document, name) != nullptr || name != "decode" || shown == nullptr)
    return require_fed(document, name);
  const auto graph = build_checked(document.nodes, model.registry());
  GenerateEntry entry;
  entry.name = name;
  entry.show = shown->show;
  for (const Posterior& posterior : find_posteriors(*graph, resolve_losses(document, *graph)))
    entry.feeds.push_back(reference_to(*graph, posterior.drawn.valid() ? posterior.drawn : posterior.mu));
  return entry.feeds.empty() ? require_fed(document, name) : entry;
}

}  // namespace loom
