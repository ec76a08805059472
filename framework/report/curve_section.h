// The curves of a run in its report: a chart for each name, over steps or over the time that training took, as the reader
// chooses. Curves without a finite value are left out; those of one value are a line of text.
//
// Thread safety: one thread. Errors: read_failed.
#pragma once

#include <string>

#include "loom/plugin.h"
#include "train/metrics.h"

namespace loom::report {

std::string curve_section(const Registry& registry, Metrics& metrics);
// "negative ELBO, nats": the title that the metric declares for a curve; "q.active_units" is "q: active units".
std::string title_of_curve(const std::string& curve, const Registry& registry);

}  // namespace loom::report
