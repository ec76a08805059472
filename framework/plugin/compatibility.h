// Whether this host may call the C++ code of a plugin library: compares the library's descriptor with the host.
#pragma once

#include <string>

#include "loom/abi.h"
#include "loom/error.h"

namespace loom {

// The values that a host of another build would have; this host's own values by default.
struct HostStamp {
  std::uint32_t abi_major = LOOM_ABI_MAJOR, abi_minor = LOOM_ABI_MINOR;
  std::string compiler = LOOM_COMPILER, standard_library = LOOM_STANDARD_LIBRARY, sanitizer = LOOM_SANITIZER,
              version = LOOM_VERSION;
};

// Throws one Error (plugin_mismatch) about `file` that lists everything that differs, with the values of both sides,
// and a hint.
void check_compatible(const loom_plugin_descriptor& descriptor, const std::string& file, const HostStamp& host = {});

}  // namespace loom
