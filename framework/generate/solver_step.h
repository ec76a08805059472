// The steps of a sampler that iterates, as numbers: which times the network sees, and what its output is multiplied by.
//
// Whatever the network predicts, a step goes along a direction d that is linear in the state x and the output o of the
// network, d = p x + q o, and leads to keep x + along d. With a velocity, d is dx/dt and the step is x + (s - t) d. With a
// schedule of noise, d is the noise e, and x / alpha moves along e by the difference of sigma / alpha: the probability
// flow, whose Euler steps are those of DDIM (Song et al. 2021, section 4.3) and whose Heun steps over sigma are those of
// Karras et al. 2022, algorithm 1.
//
// Thread safety: functions of their arguments. Errors: none; the entry is checked (train/check_iteration.h).
#pragma once

#include <cstdint>

#include "document/iteration_entry.h"

namespace loom {

struct Direction {
  double time;
  double state, output;  // p, q
};

struct SolverStep {
  Direction first;
  double keep = 1, along = 0;  // x' = keep x + along d + noise z, z ~ N(0, I)
  double noise = 0;
  // A second direction at the state trial_keep x + trial_along d takes the part `mixed` of the step's: 0 where there is none.
  double mixed = 0;
  Direction second = {};
  double trial_keep = 1, trial_along = 0;
};

// Step i of entry.steps, counted from 0.
SolverStep solver_step(const IterationEntry& entry, std::int64_t i);
// Where step i begins, and step i - 1 ends; of `replace` the part of the steps that is done then.
double step_time(const IterationEntry& entry, std::int64_t i);

}  // namespace loom
