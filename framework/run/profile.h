// What a trace says about steps: the time of each node's passes, and how busy the threads were.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/trace.h"

namespace loom {

// What a step of a tape does, beside its time: Program::work().
struct StepWork {
  std::string category, path;  // as the trace names it
  double flop = 0, bytes = 0;  // of a batch; bytes: its inputs, outputs and their gradients, each counted once
  std::string implementation;  // what computes it; "": the node does not say
};

struct ProfileRow {
  std::string category, path;
  double seconds = 0;          // per step, summed over the threads
  double share = 0;            // of all rows
  double calls = 0;            // per step
  double flop = 0, bytes = 0;  // per step; 0: not known
  std::string implementation;
};

struct Profile {
  std::vector<ProfileRow> rows;  // the longest first
  double seconds = 0;            // per step, on the wall
  double idle = 0;               // the share of the threads' time in which nothing of the trace ran
  std::size_t dropped = 0;       // spans that the trace had no room for: the rest is a part of the truth

  static Profile of(const Trace& trace, const std::vector<StepWork>& work, double wall_seconds, std::int64_t steps,
                    int threads);
};

}  // namespace loom
