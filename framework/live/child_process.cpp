#include "live/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "loom/error.h"

extern char** environ;

namespace loom {
namespace {

void set_stream(posix_spawn_file_actions_t& actions, int from, int to) {
  if (from >= 0)
    posix_spawn_file_actions_adddup2(&actions, from, to);
  else
    posix_spawn_file_actions_addopen(&actions, to, "/dev/null", O_RDWR, 0);
}

}  // namespace

std::uint64_t resident_bytes_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

ChildProcess::ChildProcess(const std::string& program, std::vector<std::string> arguments, const Streams& streams,
                           int niceness) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  set_stream(actions, streams.in, STDIN_FILENO);
  set_stream(actions, streams.out, STDOUT_FILENO);
  set_stream(actions, streams.err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  arguments.insert(arguments.begin(), program);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  const int problem = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (problem != 0) {
    pid_ = -1;
    throw Error(ErrorCode::internal, fmt::format("cannot start {}: {}", program, std::strerror(problem)));
  }
  // A child that keeps its priority is slower for others, not wrong.
  if (niceness > 0) ::setpriority(PRIO_PGRP, static_cast<id_t>(pid_), niceness);
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool ChildProcess::has_ended(int& status) {
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  ::kill(-pid_, SIGKILL);  // processes that it may have started
  pid_ = -1;
  return true;
}

std::uint64_t ChildProcess::resident_bytes() const { return resident_bytes_of(fmt::format("{}", pid_)); }

}  // namespace loom
