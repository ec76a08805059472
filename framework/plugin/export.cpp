// Compiled into every plugin library by loom_add_plugin(): exports the library's list of types.
#include "loom/abi.h"
#include "loom/plugin.h"

#ifndef LOOM_PLUGIN_NAME
#error "build plugins with the CMake function loom_add_plugin()"
#endif

namespace {

// The declarations run here once, after the check of the stamps.
void* collect_types() {
  static loom::PluginTypes types = loom::detail::collect(loom::detail::registered_types());
  return &types;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const loom_plugin_descriptor* loom_plugin() {
  static const loom_plugin_descriptor descriptor = {loom::kLoomPluginMagic, sizeof(loom_plugin_descriptor),
                                                    LOOM_ABI_MAJOR,         LOOM_ABI_MINOR,
                                                    LOOM_COMPILER,          LOOM_STANDARD_LIBRARY,
                                                    LOOM_SANITIZER,         LOOM_VERSION,
                                                    LOOM_PLUGIN_NAME,       loom::detail::registered_types(),
                                                    collect_types};
  return &descriptor;
}
