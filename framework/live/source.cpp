#include "live/source.h"

#include "document/plugins.h"
#include "document/render.h"
#include "live/node_change.h"
#include "plugin/search_path.h"

namespace loom {

void name_plugins(Document& document, const std::vector<std::string>& given) {
  const std::size_t before = document.plugins.size();
  for (const std::string& text : given) {
    const std::string name = library_name(text);
    if (is_plugin_name(name)) add_plugin({name, {"--plugin", 0, 0}}, document.plugins);
  }
  if (document.plugins.size() > before) document.resolved = render_document(document);
}

Document load_source(const RunSource& source, Diagnostics& diagnostics) {
  Document document = load_document(source.graph, parse_overrides(source.overrides), diagnostics);
  if (!diagnostics.empty()) return document;
  name_plugins(document, source.plugins);
  for (const std::vector<std::string>& words : source.nodes) apply_node_change(document, parse_node_change(words));
  return document;
}

RegistryRequest plugins_of(const RunSource& source, const Document& document) {
  return {document.plugins, source.plugins};
}

}  // namespace loom
