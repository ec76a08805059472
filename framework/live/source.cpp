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

Document load_source(const LiveSource& source, Diagnostics& diagnostics) {
  Document document = load_document(source.graph, source.overrides, diagnostics);
  if (!diagnostics.empty()) return document;
  name_plugins(document, source.plugins);
  for (const NodeChange& change : source.nodes) apply_node_change(document, change);
  return document;
}

RegistryRequest plugins_of(const LiveSource& source, const Document& document) {
  return {document.plugins, source.plugins};
}

RunSource to_run_source(const LiveSource& source) {
  RunSource saved{source.graph, {}, {}};
  for (const Override& one : source.overrides) saved.overrides.push_back(one.path + "=" + one.value);
  for (const NodeChange& one : source.nodes) {
    std::vector<std::string>& words = saved.nodes.emplace_back();
    words = {one.node, one.type};
    for (const Override& setting : one.settings) words.push_back(setting.path + "=" + setting.value);
  }
  return saved;
}

LiveSource from_run_source(const RunSource& saved) {
  LiveSource source{saved.graph, {}, {}, {}};
  for (const std::string& text : saved.overrides) source.overrides.push_back(parse_override(text));
  for (const std::vector<std::string>& words : saved.nodes) source.nodes.push_back(parse_node_change(words));
  return source;
}

}  // namespace loom
