// Interposes malloc and related functions: an executable's definitions override the C library's in all libraries of the
// process. When nothing is counted, the cost is the check of two flags.
#include "runner/allocation_counter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)

namespace loom::runner {
check::AllocationCounter* allocation_counter() { return nullptr; }
check::AllocationCounter* process_allocation_counter() { return nullptr; }
const char* first_own_allocation() { return ""; }
}  // namespace loom::runner

#else

#include <dlfcn.h>
#include <execinfo.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

using Frames = std::array<void*, 32>;

thread_local bool inside = false;  // inside a count: backtrace() may allocate

// The count of one thread.
thread_local bool counting_thread = false;
thread_local loom::check::Allocations of_thread;

// The count of all threads.
std::atomic<bool> counting_process{false};
std::atomic<std::int64_t> own_of_process{0}, library_of_process{0};
std::atomic<bool> described{false};
std::array<char, 4096> description{};

// Whether oneDNN, or its OpenMP runtime, is on the stack.
bool is_library_call(const Frames& frames, int depth) {
  for (int i = 0; i < depth; ++i) {
    Dl_info info{};
    if (dladdr(frames[static_cast<std::size_t>(i)], &info) == 0 || info.dli_fname == nullptr) continue;
    if (std::strstr(info.dli_fname, "libdnnl") != nullptr || std::strstr(info.dli_fname, "libgomp") != nullptr)
      return true;
  }
  return false;
}

void describe(const Frames& frames, int depth) {
  std::size_t used = 0;
  for (int i = 2; i < depth && used + 200 < description.size(); ++i) {  // frames 0 and 1 belong to the counter
    Dl_info info{};
    dladdr(frames[static_cast<std::size_t>(i)], &info);
    used += static_cast<std::size_t>(std::snprintf(description.data() + used, description.size() - used,
                                                   "  %.90s (%.60s)\n", info.dli_sname ? info.dli_sname : "?",
                                                   info.dli_fname ? info.dli_fname : "?"));
  }
}

void count() {
  const bool process = counting_process.load(std::memory_order_relaxed);
  if (inside || (!counting_thread && !process)) return;
  inside = true;
  Frames frames{};
  const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
  const bool library = is_library_call(frames, depth);
  if (counting_thread) ++(library ? of_thread.library : of_thread.own);
  if (process) {
    ++(library ? library_of_process : own_of_process);
    if (!library && !described.exchange(true)) describe(frames, depth);
  }
  inside = false;
}

void load_backtrace() {  // the first call loads its library
  std::array<void*, 2> frames{};
  backtrace(frames.data(), 2);
}

class ThreadCounter final : public loom::check::AllocationCounter {
 public:
  ThreadCounter() { load_backtrace(); }
  void start() override {
    of_thread = {};
    counting_thread = true;
  }
  loom::check::Allocations stop() override {
    counting_thread = false;
    return of_thread;
  }
};

class ProcessCounter final : public loom::check::AllocationCounter {
 public:
  ProcessCounter() { load_backtrace(); }
  void start() override {
    own_of_process = library_of_process = 0;
    described = false;
    description.front() = 0;
    counting_process = true;
  }
  loom::check::Allocations stop() override {
    counting_process = false;
    return {own_of_process, library_of_process};
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
  static ThreadCounter counter;
  return &counter;
}

check::AllocationCounter* process_allocation_counter() {
  static ProcessCounter counter;
  return &counter;
}

const char* first_own_allocation() { return description.data(); }

}  // namespace loom::runner

#endif
