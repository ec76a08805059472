// A process that this one starts, in a process group of its own, so that the processes that it starts end with it.
//
// Ownership: the destructor kills the group and waits. Thread safety: one thread. Errors: internal, where it cannot be
// started.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

class ChildProcess {
 public:
  // Descriptors that become the child's; -1: /dev/null.
  struct Streams {
    int in = -1, out = -1, err = -1;
  };
  // `niceness`: 0 to 19, how far the child stands back behind other processes.
  ChildProcess(const std::string& program, std::vector<std::string> arguments, const Streams& streams,
               int niceness = 0);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Whether it has ended; `status` is then that of waitpid().
  bool has_ended(int& status);
  std::uint64_t resident_bytes() const;

 private:
  pid_t pid_ = -1;
};

// Bytes of physical memory of a process: a number, or "self". 0 where it cannot be read.
std::uint64_t resident_bytes_of(const std::string& process);

}  // namespace loom
