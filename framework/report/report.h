// The report of a run: one HTML file with everything in it, nothing loaded from elsewhere.
#pragma once

#include <string>

#include "generate/model_source.h"

namespace loom::report {

// From the run's metrics and pictures as they are now. Errors: read_failed.
std::string report_of(const ModelSource& model, const RunFolder& run, int threads);

// Bytes as base64 (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace loom::report
