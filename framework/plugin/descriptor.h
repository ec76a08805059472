// What a plugin library exports: one C function, loom_plugin(), that returns a description of the library. Everything
// in it can be read before any C++ of the library is called, so that a library built against another version is
// refused with a message instead of a crash.
#pragma once

#include <cstdint>

#include "core/version.h"

namespace loom {
struct PluginTypes;
}

extern "C" {

struct loom_plugin_descriptor {
  std::uint32_t magic;      // kLoomPluginMagic
  std::uint32_t interface;  // LOOM_PLUGIN_INTERFACE of the headers it was built with
  const char* build_stamp;  // LOOM_BUILD_STAMP: must equal the host's
  const char* name;         // of the library
  loom::PluginTypes* (*types)();
};

using loom_plugin_function = const loom_plugin_descriptor* (*)();
}

namespace loom {
inline constexpr std::uint32_t kLoomPluginMagic = 0x4C4F4F4DU;  // "LOOM"
inline constexpr const char* kLoomPluginSymbol = "loom_plugin";
}  // namespace loom
