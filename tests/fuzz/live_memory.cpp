#include "live_memory.h"

#include <atomic>
#include <cstddef>

// The sanitizer's own interface; both are null in other builds.
extern "C" {
[[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                            void (*)(const volatile void*));
[[gnu::weak]] std::size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace loom::check {
namespace {

std::atomic<std::int64_t> live = 0, peak = 0;

void allocated(const volatile void*, std::size_t bytes) {
  const std::int64_t now = live += static_cast<std::int64_t>(bytes);
  std::int64_t most = peak;
  while (now > most && !peak.compare_exchange_weak(most, now)) {
  }
}

void freed(const volatile void* memory) {
  if (memory != nullptr) live -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
}

}  // namespace

bool counts_live_bytes() {
  static const bool installed = __sanitizer_install_malloc_and_free_hooks != nullptr &&
                                __sanitizer_install_malloc_and_free_hooks(allocated, freed) > 0;
  return installed;
}

void start_live_bytes() {
  if (counts_live_bytes()) live = peak = 0;
}

std::int64_t live_bytes_peak() { return peak; }

}  // namespace loom::check
