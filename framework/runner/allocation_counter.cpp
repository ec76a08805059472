// malloc and its kin, interposed: an executable's definitions come before the C library's for every library in the
// process. Outside of a count this costs a look at one thread-local flag.
#include "runner/allocation_counter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)

namespace loom::runner {
check::AllocationCounter* allocation_counter() { return nullptr; }
}  // namespace loom::runner

#else

#include <dlfcn.h>
#include <execinfo.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

thread_local bool counting = false;
thread_local loom::check::Allocations counted;

// oneDNN, or the OpenMP runtime for it, stands on the stack.
bool is_library_call() {
  std::array<void*, 32> frames{};
  const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < depth; ++i) {
    Dl_info info{};
    if (dladdr(frames[static_cast<std::size_t>(i)], &info) == 0 || info.dli_fname == nullptr) continue;
    if (std::strstr(info.dli_fname, "libdnnl") != nullptr || std::strstr(info.dli_fname, "libgomp") != nullptr)
      return true;
  }
  return false;
}

void count() {
  if (!counting) return;
  counting = false;  // backtrace() may allocate
  ++(is_library_call() ? counted.library : counted.own);
  counting = true;
}

class Counter final : public loom::check::AllocationCounter {
 public:
  Counter() {
    std::array<void*, 2> frames{};
    backtrace(frames.data(), 2);  // loads its library now
  }
  void start() override {
    counted = {};
    counting = true;
  }
  loom::check::Allocations stop() override {
    counting = false;
    return counted;
  }
};

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t items, std::size_t bytes) {
  count();
  return __libc_calloc(items, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  count();
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  count();
  void* const got = __libc_memalign(alignment, bytes);
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}
}

namespace loom::runner {

check::AllocationCounter* allocation_counter() {
  static Counter counter;
  return &counter;
}

}  // namespace loom::runner

#endif
