// The report of a run: one HTML file with everything in it, nothing loaded from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "generate/model_source.h"
#include "report/traversal.h"

namespace loom::report {

// From the run's metrics and pictures as they are now, and these traversals. Errors: read_failed.
std::string report_of(const ModelSource& model, const RunFolder& run, const Traversals& traversals, int threads);

// Bytes as base64 (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace loom::report
