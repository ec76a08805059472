// The version, and the stamp that a plugin and its host must share: the same headers, compiler family and library ABI.
#pragma once

#define LOOM_VERSION "0.1.0"
// Counts up with every change of a header that plugins see.
#define LOOM_PLUGIN_INTERFACE 1

#define LOOM_STRINGIFY_(x) #x
#define LOOM_STRINGIFY(x) LOOM_STRINGIFY_(x)
#if defined(__clang__)
#define LOOM_COMPILER "clang " LOOM_STRINGIFY(__clang_major__)
#else
#define LOOM_COMPILER "gcc " LOOM_STRINGIFY(__GNUC__)
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LOOM_SANITIZER " asan"
#elif defined(__SANITIZE_THREAD__)
#define LOOM_SANITIZER " tsan"
#else
#define LOOM_SANITIZER ""
#endif
#define LOOM_BUILD_STAMP                                   \
  "latentloom " LOOM_VERSION " interface " LOOM_STRINGIFY( \
      LOOM_PLUGIN_INTERFACE) " " LOOM_COMPILER " cxx11abi " LOOM_STRINGIFY(_GLIBCXX_USE_CXX11_ABI) LOOM_SANITIZER
