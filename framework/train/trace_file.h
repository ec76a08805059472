// A trace in the format of Chrome's trace viewer (chrome://tracing, ui.perfetto.dev): a JSON object of complete events,
// with times in microseconds, a row for each thread, and lane and shard as arguments.
//
// Thread safety: a function of its arguments. Errors: write_failed.
#pragma once

#include <string>

#include "core/trace.h"

namespace loom {

// Replaces the file, as a whole or not at all.
void write_trace(const Trace& trace, const std::string& file);

}  // namespace loom
