// The request of a program, in terms of the tape, and whether a step's input matches it.
//
// Internal to framework/run. Thread safety: functions of their arguments.
#pragma once

#include "graph/tape.h"
#include "run/program.h"

namespace loom {

TapeRequest tape_request(const ProgramRequest& request, const ParameterStore& store);

// Throws Error(bad_feed): too many samples, missing feeds, values of another shape or type.
void check_step_input(const Graph& graph, const ProgramRequest& request, const StepInput& input);

}  // namespace loom
