// The report of a run: one HTML file with everything in it, nothing loaded from elsewhere.
#pragma once

#include <string>

#include "runner/model.h"

namespace loom::runner {

// From the run's metrics and pictures as they are now. Errors: read_failed.
std::string report_of(const Model& model, const RunFolder& run, int threads);

// Bytes as base64 (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace loom::runner
