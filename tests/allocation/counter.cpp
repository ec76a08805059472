#include "allocation/counter.h"

#include <dlfcn.h>
#include <execinfo.h>

#include <atomic>
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

std::atomic<bool> counting{false};
std::atomic<std::int64_t> own_count{0};
std::atomic<std::int64_t> library_count{0};
std::atomic<bool> described{false};
char description[4096];
thread_local bool inside = false;  // backtrace() may allocate

bool of_library(const char* file) {
  return std::strstr(file, "libdnnl") != nullptr || std::strstr(file, "libgomp") != nullptr;
}

void describe(void* const* frames, int depth) {
  std::size_t used = 0;
  for (int i = 2; i < depth && used < sizeof(description) - 200; ++i) {
    Dl_info info{};
    dladdr(frames[i], &info);
    used += static_cast<std::size_t>(std::snprintf(description + used, sizeof(description) - used, "  %.90s (%.60s)\n",
                                                   info.dli_sname ? info.dli_sname : "?",
                                                   info.dli_fname ? info.dli_fname : "?"));
  }
}

void count() {
  if (!counting.load(std::memory_order_relaxed) || inside) return;
  inside = true;
  void* frames[24];
  const int depth = backtrace(frames, 24);
  bool library = false;
  for (int i = 0; i < depth && !library; ++i) {
    Dl_info info{};
    library = dladdr(frames[i], &info) != 0 && info.dli_fname != nullptr && of_library(info.dli_fname);
  }
  (library ? library_count : own_count)++;
  if (!library && !described.exchange(true)) describe(frames, depth);
  inside = false;
}

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
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  count();
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? 12 : 0;
}
}

namespace loom::check {

void start_counting() {
  void* frames[2];
  backtrace(frames, 2);  // loads its library now
  own_count = 0;
  library_count = 0;
  described = false;
  description[0] = 0;
  counting = true;
}

AllocationCount stop_counting() {
  counting = false;
  return {own_count, library_count};
}

const char* first_own_allocation() { return description; }

}  // namespace loom::check
