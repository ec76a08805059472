// Patterns over paths (core/pattern.h) that match nothing, which is a mistake: E214.
//
// Thread safety: functions of their arguments.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/pattern.h"
#include "loom/error.h"

namespace loom {

// Patterns of a document, and where each stands; `where` is the place of those that come from elsewhere.
struct PlacedPatterns {
  const std::vector<std::string>& patterns;
  const std::vector<Location>& places;
  Location where;
};

// The nearest of the `candidates` is what may have been meant. describe(pattern, finding) says what was expected.
template <class Describe>
void check_patterns(const PlacedPatterns& placed, const std::vector<std::string>& paths,
                    const std::vector<std::string>& candidates, const Describe& describe, Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < placed.patterns.size(); ++i) {
    const std::string pattern = placed.patterns[i].substr(is_exclusion(placed.patterns[i]) ? 1 : 0);
    if (std::ranges::any_of(paths, [&](const std::string& path) { return matches_pattern(pattern, path); })) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::unknown_objective_parameter,
                                          i < placed.places.size() ? placed.places[i] : placed.where, "");
    finding.got = pattern;
    finding.suggestion = nearest_name(pattern, candidates);
    describe(pattern, finding);
  }
}

}  // namespace loom
