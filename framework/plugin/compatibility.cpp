#include "plugin/compatibility.h"

#include <fmt/format.h>

#include <filesystem>

#include "plugin/search_path.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

struct StampDifferences {
  std::string what, got, expected;

  void add(const char* name, const std::string& theirs, const std::string& ours) {
    const char* const comma = what.empty() ? "" : ", ";
    what += comma + std::string(name);
    got += comma + theirs;
    expected += comma + ours;
  }
  void compare(const char* name, const char* theirs, const std::string& ours) {
    const std::string text = theirs != nullptr ? theirs : "none";
    if (text != ours) add(name, fmt::format("{} {}", name, text), fmt::format("{} {}", name, ours));
  }
};

// The command that builds a matching library, with the prefix of this installation if there is one.
std::string remedy(const HostStamp& host) {
  const fs::path lib = fs::path(plugin_folders().empty() ? "" : plugin_folders().front()).parent_path().parent_path();
  std::error_code ignored;
  const bool installed = fs::exists(lib / "cmake" / "Latentloom" / "LatentloomConfig.cmake", ignored);
  const std::string prefix = installed ? lib.parent_path().string() : "PREFIX";
  return fmt::format(
      "build it again with the SDK of this Latentloom {}: cmake -S SOURCE -B BUILD -DCMAKE_PREFIX_PATH={} && cmake "
      "--build BUILD",
      host.version, prefix);
}

}  // namespace

void check_compatible(const loom_plugin_descriptor& descriptor, const std::string& file, const HostStamp& host) {
  StampDifferences found;
  const std::string ours = fmt::format("abi {}.{}", host.abi_major, host.abi_minor);
  if (descriptor.size < sizeof(loom_plugin_descriptor)) {
    found.add("descriptor", fmt::format("a descriptor of {} bytes", descriptor.size),
              fmt::format("{} bytes or more, {}", sizeof(loom_plugin_descriptor), ours));
  } else {
    if (descriptor.abi_major != host.abi_major || descriptor.abi_minor > host.abi_minor) {
      found.add(
          "abi",
          fmt::format("abi {}.{} (Latentloom {})", descriptor.abi_major, descriptor.abi_minor, descriptor.version),
          fmt::format("{} (Latentloom {})", ours, host.version));
    }
    found.compare("compiler", descriptor.compiler, host.compiler);
    found.compare("standard library", descriptor.standard_library, host.standard_library);
    found.compare("sanitizer", descriptor.sanitizer, host.sanitizer);
  }
  if (found.what.empty()) return;
  Diagnostic finding;
  finding.code = ErrorCode::plugin_mismatch;
  finding.where.file = file;
  finding.message = fmt::format("this plugin was built for another host: {}", found.what);
  finding.got = found.got;
  finding.expected = found.expected;
  finding.hint = remedy(host);
  throw Error(std::move(finding));
}

}  // namespace loom
