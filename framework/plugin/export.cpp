// Compiled into every plugin library by loom_add_plugin(): exports the library's list of types.
#include "graph/registry.h"
#include "plugin/descriptor.h"

#ifndef LOOM_PLUGIN_NAME
#error "build plugins with the CMake function loom_add_plugin()"
#endif

extern "C" __attribute__((visibility("default"))) const loom_plugin_descriptor* loom_plugin() {
  static const loom_plugin_descriptor descriptor = {loom::kLoomPluginMagic, LOOM_PLUGIN_INTERFACE, LOOM_BUILD_STAMP,
                                                    LOOM_PLUGIN_NAME, [] { return &loom::detail::plugin_types(); }};
  return &descriptor;
}
