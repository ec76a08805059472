// The version, and what a plugin and its host must agree on before either may call the other's C++ code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <version>  // identifies the standard library

#define LOOM_VERSION "0.1.0"
// The interface between host and plugins. The major number changes with every change that a plugin built before would
// not survive (a member of a class in the SDK's headers, a virtual function), the minor one with additions: a host
// takes plugins of its own major number and of no later minor one.
#define LOOM_ABI_MAJOR 11
#define LOOM_ABI_MINOR 0

#define LOOM_STRINGIFY_(x) #x
#define LOOM_STRINGIFY(x) LOOM_STRINGIFY_(x)

#if defined(__clang__)
#define LOOM_COMPILER "clang " LOOM_STRINGIFY(__clang_major__)
#else
#define LOOM_COMPILER "gcc " LOOM_STRINGIFY(__GNUC__)
#endif

#if defined(_GLIBCXX_DEBUG)
#define LOOM_LIBRARY_MODE ", debug mode"
#else
#define LOOM_LIBRARY_MODE ""
#endif
#if defined(_LIBCPP_VERSION)
#define LOOM_STANDARD_LIBRARY "libc++ " LOOM_STRINGIFY(_LIBCPP_VERSION) LOOM_LIBRARY_MODE
#else
#define LOOM_STANDARD_LIBRARY \
  "libstdc++ " LOOM_STRINGIFY(_GLIBCXX_RELEASE) ", cxx11 abi " LOOM_STRINGIFY(_GLIBCXX_USE_CXX11_ABI) LOOM_LIBRARY_MODE
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOM_SANITIZER "address"
#elif __has_feature(thread_sanitizer)
#define LOOM_SANITIZER "thread"
#endif
#endif
#if !defined(LOOM_SANITIZER)
#if defined(__SANITIZE_ADDRESS__)
#define LOOM_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define LOOM_SANITIZER "thread"
#else
#define LOOM_SANITIZER "none"
#endif
#endif

// Everything in one line, for a person.
#define LOOM_BUILD_STAMP                                                                 \
  "latentloom " LOOM_VERSION ", abi " LOOM_STRINGIFY(LOOM_ABI_MAJOR) "." LOOM_STRINGIFY( \
      LOOM_ABI_MINOR) ", " LOOM_COMPILER ", " LOOM_STANDARD_LIBRARY ", sanitizer " LOOM_SANITIZER

// One entry of the list of types that a plugin library registers, in C: it can be read without calling any C++ code of
// the library. LOOM_NODE and LOOM_DATASET (loom/plugin.h) fill it in.
extern "C" {

struct loom_plugin_type {
  const char* name;  // "acme.huber"
  const char* kind;  // "node" or "dataset"
  const loom_plugin_type* next;
};
}

// A plugin library exports one C function, loom_plugin(), which returns this description of the library. All fields
// except the last can be read before any C++ code of the library is called. A library built against another version, by
// another compiler or with another standard library is therefore refused with a message instead of a crash.
//
// New fields are only added at the end of the struct: `size` says how much of the struct a library knows.
extern "C" {

struct loom_plugin_descriptor {
  std::uint32_t magic;  // kLoomPluginMagic
  std::uint32_t size;   // sizeof(loom_plugin_descriptor) in the library
  std::uint32_t abi_major, abi_minor;
  const char* compiler;  // LOOM_COMPILER and so on, as the library was built
  const char* standard_library;
  const char* sanitizer;
  const char* version;  // version of the Latentloom headers that it was built with; for messages
  const char* name;     // of the library
  const loom_plugin_type* registered;
  void* (*types)(void);  // loom::PluginTypes*: C++, called only if everything above matches
};

using loom_plugin_function = const loom_plugin_descriptor* (*)();
}

namespace loom {
inline constexpr std::uint32_t kLoomPluginMagic = 0x4C4F4F4DU;  // "LOOM"
inline constexpr const char* kLoomPluginSymbol = "loom_plugin";
}  // namespace loom
