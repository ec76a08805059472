// Compares what a node declares to read along time (Contract::reads_window, pointwise) with what its outputs change with.
//
// Internal to framework/check. Thread safety: one thread at a time. Errors: those of the calls.
#pragma once

#include <string>

#include "check/node_setup.h"

namespace loom::check {

struct WindowFinding {
  int windows = 0;      // pairs of an input and an output with a window
  std::string failure;  // the first; "": none
};
// `setup` is changed during the call and restored afterwards.
WindowFinding check_windows(NodeSetup& setup);

}  // namespace loom::check
