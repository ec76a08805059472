#include "live/probation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/clock.h"
#include "io/diagnostic_json.h"
#include "io/json_fields.h"
#include "live/child_process.h"
#include "live/descriptor.h"
#include "loom/error.h"

namespace loom {
namespace {

constexpr int kPollMilliseconds = 20;
constexpr std::size_t kMostOutput = 1 << 20;  // bytes of the child's output that are kept

struct Pipe {
  Descriptor read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Error(ErrorCode::internal, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

[[noreturn]] void refuse(ErrorCode code, const std::string& subject, std::string message, std::string got,
                         std::string expected, std::string hint = "") {
  Diagnostic finding;
  finding.code = code;
  finding.where = {subject, 0, 0};
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  finding.hint = std::move(hint);
  throw Error(std::move(finding));
}

void read_some(const Descriptor& from, std::string& into) {
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = ::read(from.get(), buffer.data(), buffer.size())) > 0) {
    if (into.size() < kMostOutput) into.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

// Writes text to the child as far as it reads it; if the child ends early, the rest is not needed.
bool write_some(Pipe& pipe, std::string_view& rest) {
  while (!rest.empty()) {
    const ssize_t count = ::write(pipe.write.get(), rest.data(), rest.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  pipe.write.close();
  return true;
}

std::string last_line(const std::string& text) {
  std::string line;
  std::size_t end = text.size();
  while (end > 0 && line.empty()) {
    const std::size_t start = text.rfind('\n', end - 1);
    line = text.substr(start == std::string::npos ? 0 : start + 1, end - (start == std::string::npos ? 0 : start + 1));
    end = start == std::string::npos ? 0 : start;
  }
  return line.substr(0, 300);
}

std::string signal_text(int number) {
  const char* abbreviation = ::sigabbrev_np(number);
  return fmt::format("signal {} (SIG{}: {})", number, abbreviation != nullptr ? abbreviation : "?",
                     ::strsignal(number));
}

void judge(int status, const std::string& out, const std::string& err, const std::string& subject) {
  const std::string words = last_line(err);
  const std::string said = words.empty() ? "" : "its last output: " + words;
  if (WIFSIGNALED(status))
    refuse(ErrorCode::candidate_crashed, subject, "the trial's process crashed", signal_text(WTERMSIG(status)),
           "a process that ends by itself", said);
  const nlohmann::json json =
      nested_deeper(out, kMaxJsonDepth) ? nlohmann::json() : nlohmann::json::parse(out, nullptr, false);
  if (json.is_object() && json.contains("ok") && WEXITSTATUS(status) == 0) return;
  if (json.is_object() && json.contains("errors")) throw Error(diagnostics_from_json(json.at("errors")));
  refuse(ErrorCode::candidate_crashed, subject, "the trial's process ended without output",
         fmt::format("exit code {}", WEXITSTATUS(status)), "a result", said);
}

}  // namespace

void Probation::run(TrialRequest request, const ProbationLimits& limits, const std::string& subject) {
  request.memory = limits.memory > 0 ? limits.memory : kTrialMemory + 4 * resident_bytes_of("self");
  Pipe in, out, err;
  ChildProcess child(program_, {"trial"}, {in.read.get(), out.write.get(), err.write.get()});
  in.read.close();
  out.write.close();
  err.write.close();
  for (const Descriptor* end : {&in.write, &out.read, &err.read}) ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
  const std::string text = request.to_json();
  std::string_view rest = text;
  std::string words, last_words;
  const Stopwatch clock;
  int status = 0;
  for (bool writing = true;;) {
    if (writing) writing = write_some(in, rest) && !rest.empty();
    const bool ended = child.has_ended(status);
    read_some(out.read, words);
    read_some(err.read, last_words);
    if (ended) break;
    if (interrupted_) refuse(ErrorCode::candidate_timeout, subject, "the training job ended before the trial", "", "");
    if (clock.seconds() > limits.seconds)
      refuse(ErrorCode::candidate_timeout, subject, "the trial did not finish in time",
             fmt::format("more than {:g} s", limits.seconds), fmt::format("at most {:g} s", limits.seconds),
             "possibly an endless loop; --probation-limit raises the limit");
    if (const std::uint64_t bytes = child.resident_bytes(); bytes > request.memory)
      refuse(ErrorCode::candidate_memory, subject, "the trial took too much memory", fmt::format("{} MiB", bytes >> 20),
             fmt::format("at most {} MiB", request.memory >> 20));
    pollfd events[] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
    ::poll(events, 2, kPollMilliseconds);
  }
  judge(status, words, last_words, subject);
}

}  // namespace loom
