// Whether this host may call the C++ of a plugin library: what the library's descriptor says against what the host is.
#pragma once

#include <string>

#include "loom/abi.h"
#include "loom/error.h"

namespace loom {

// What a host of another build would say about itself; its own values where nothing is given.
struct HostStamp {
  std::uint32_t abi_major = LOOM_ABI_MAJOR, abi_minor = LOOM_ABI_MINOR;
  std::string compiler = LOOM_COMPILER, standard_library = LOOM_STANDARD_LIBRARY, sanitizer = LOOM_SANITIZER,
              version = LOOM_VERSION;
};

// Throws one Error (plugin_mismatch) about `file` that names both sides of everything that differs, and what to do.
void check_compatible(const loom_plugin_descriptor& descriptor, const std::string& file, const HostStamp& host = {});

}  // namespace loom
