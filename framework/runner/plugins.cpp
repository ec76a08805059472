#include "runner/plugins.h"

#include <fmt/format.h>

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

Error with_plugin_hints(const Error& error) {
  std::vector<Diagnostic> findings = error.diagnostics();
  for (Diagnostic& finding : findings) {
    const bool type = finding.code == ErrorCode::unknown_node_type || finding.code == ErrorCode::data_specification;
    if (!type || finding.got.empty()) continue;
    const std::string plugin = plugin_with_type(finding.got);
    if (plugin.empty()) continue;
    finding.hint = fmt::format(
        "the plugin '{0}' has this type: plugins: [{0}] in the graph, or --plugin {0} on the command line", plugin);
  }
  return Error(std::move(findings));
}

}  // namespace loom::runner
