// Preloaded by durability_test.sh: a disk on which calls fail.
//   LOOM_FAULT     full: writes to files fail with ENOSPC from call LOOM_FAULT_AT on; half of the bytes of that call arrive
//                  sync, rename: call LOOM_FAULT_AT of its kind fails with EIO, later ones work
//   LOOM_FAULT_AT  which call of the process, from 1
// Pipes and terminals are left alone. Each process counts its own calls.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> calls{0};

bool asked_for(const char* kind) {
  const char* fault = std::getenv("LOOM_FAULT");
  return fault && std::strcmp(fault, kind) == 0;
}

// The number of this call counted from the one that fails, which is 0.
long distance() {
  const char* at = std::getenv("LOOM_FAULT_AT");
  return ++calls - (at ? std::atol(at) : 1);
}

bool fails_once(const char* kind) { return asked_for(kind) && distance() == 0; }

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// -1: the disk was full before; otherwise how many of the bytes still fit.
ssize_t room(int descriptor, size_t count) {
  struct stat found {};
  if (!asked_for("full") || ::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode))
    return static_cast<ssize_t>(count);
  const long after = distance();
  if (after < 0) return static_cast<ssize_t>(count);
  return after == 0 && count > 1 ? static_cast<ssize_t>(count / 2) : -1;
}

ssize_t full() {
  errno = ENOSPC;
  return -1;
}

int broken() {
  errno = EIO;
  return -1;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  const ssize_t fits = room(descriptor, count);
  return fits < 0 ? full() : real(descriptor, bytes, static_cast<size_t>(fits));
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  const ssize_t fits = room(descriptor, count);
  return fits < 0 ? full() : real(descriptor, bytes, static_cast<size_t>(fits), at);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  const ssize_t fits = room(descriptor, count);
  return fits < 0 ? full() : real(descriptor, bytes, static_cast<size_t>(fits), at);
}

int fsync(int descriptor) {
  static auto* const real = next<int(int)>("fsync");
  return fails_once("sync") ? broken() : real(descriptor);
}

int fdatasync(int descriptor) {
  static auto* const real = next<int(int)>("fdatasync");
  return fails_once("sync") ? broken() : real(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  return fails_once("rename") ? broken() : real(from, to);
}

}  // extern "C"
