#include "runner/signals.h"

#include <unistd.h>

#include <atomic>

namespace loom::runner {
namespace {

std::atomic<int> g_received{0}, g_checkpoint{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch it");

// Calls only functions that are allowed in a signal handler.
void on_signal(int number) {
  if (g_received.exchange(number) != 0 && number == SIGINT) ::_exit(128 + number);
  static constexpr char kText[] =
      "\ngraph-runner: finishing the step, then writing a checkpoint (Ctrl-C again: exit at once)\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

void on_checkpoint_signal(int) {
  g_checkpoint = 1;
  static constexpr char kText[] = "\ngraph-runner: SIGUSR1: writing a checkpoint after this step\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

}  // namespace

StopSignals::StopSignals() {
  g_received = g_checkpoint = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &terminate_);
  struct sigaction checkpoint = action;
  checkpoint.sa_handler = on_checkpoint_signal;
  sigaction(SIGUSR1, &checkpoint, &user_);
  // A terminal or a connection that closes; under nohup the signal is ignored, and stays so.
  sigaction(SIGHUP, nullptr, &hang_up_);
  if (hang_up_.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
  sigaction(SIGHUP, &hang_up_, nullptr);
  sigaction(SIGUSR1, &user_, nullptr);
}

int StopSignals::received() const { return g_received; }
bool StopSignals::take_checkpoint_request() { return g_checkpoint.exchange(0) != 0; }

}  // namespace loom::runner
