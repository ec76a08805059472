// What a plugin library exports: one C function, loom_plugin(), that returns a description of the library. All of it
// but the last field can be read before any C++ of the library is called, so that a library built against another
// version, by another compiler or with another standard library is refused with a message instead of a crash.
//
// The struct only ever grows at its end: `size` says how much of it a library knows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/version.h"
#include "graph/plugin_type.h"

extern "C" {

struct loom_plugin_descriptor {
  std::uint32_t magic;  // kLoomPluginMagic
  std::uint32_t size;   // sizeof(loom_plugin_descriptor) in the library
  std::uint32_t abi_major, abi_minor;
  const char* compiler;  // LOOM_COMPILER, and so on: those of the library
  const char* standard_library;
  const char* sanitizer;
  const char* version;  // of the Latentloom whose headers it was built with; for messages
  const char* name;     // of the library
  const loom_plugin_type* registered;
  void* (*types)(void);  // loom::PluginTypes*: C++, called only where everything above matches
};

using loom_plugin_function = const loom_plugin_descriptor* (*)();
}

namespace loom {
inline constexpr std::uint32_t kLoomPluginMagic = 0x4C4F4F4DU;  // "LOOM"
inline constexpr const char* kLoomPluginSymbol = "loom_plugin";
}  // namespace loom
