#include "runner/plugins.h"

#include <fmt/format.h>

#include "document/plugins.h"
#include "document/render.h"
#include "plugin/search_path.h"

namespace loom::runner {

std::unique_ptr<Registry> find_registry(const RegistryRequest& request, Diagnostics& diagnostics) {
  try {
    return registry_for(request);
  } catch (const Error& error) {
    diagnostics.add(error);
    diagnostics.throw_if_any();
    throw;
  }
}

void name_plugins(Document& document, const std::vector<std::string>& given) {
  const std::size_t before = document.plugins.size();
  for (const std::string& text : given) {
    const std::string name = library_name(text);
    if (is_plugin_name(name)) add_plugin({name, {"--plugin", 0, 0}}, document.plugins);
  }
  if (document.plugins.size() > before) document.resolved = render_document(document);
}

Error with_plugin_hints(const Error& error) {
  std::vector<Diagnostic> findings = error.diagnostics();
  for (Diagnostic& finding : findings) {
    const bool type = finding.code == ErrorCode::unknown_node_type || finding.code == ErrorCode::data_specification;
    if (!type || finding.got.empty()) continue;
    const std::string plugin = plugin_with_type(finding.got);
    if (plugin.empty()) continue;
    finding.hint = fmt::format(
        "the plugin '{0}' has it: plugins: [{0}] in the graph, or --plugin {0} on the command line", plugin);
  }
  return Error(std::move(findings));
}

}  // namespace loom::runner
