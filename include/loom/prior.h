// The two uses of every prior.
//   z not connected: y is a new draw with the shape given by the option `shape`
//   z connected:     y is z
//   log_density is ln p(y) in both cases, in nats
// The same node therefore trains (through log_density) and samples, and a document's `generate:` shares its weights
// with the trained prior: {type: mixture_prior, weights: prior}.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "loom/plugin.h"

namespace loom::nodes {

inline void declare_prior(Contract& c, const std::string& pattern, const std::string& doc) {
  c.role(Role::prior);
  c.input("z", pattern, "the point at which the density is computed; default: a draw").optional();
  c.output("y", pattern, doc);
  c.output("log_density", "[N]", "ln p(y), nats");
  c.option("shape", OptionValue(), integer_list().at_least(1), "extents of one draw, where z is not connected");
  c.stochastic();
}

// The extents of an event: those of z, or those of the option. If there is neither, reports it and returns no extents.
inline std::vector<std::int64_t> prior_extents(ShapeInference& s) {
  if (s.has_input("z")) {
    const Shape event = s.input("z").event();
    return {event.extents().begin(), event.extents().end()};
  }
  if (s.options().has("shape")) return s.options().integers("shape");
  s.fail("the shape of a draw is not known", "neither z nor shape", "shape: [extents], or in: {z: ...}");
  return {};
}

inline void copy_event(const TensorView& from, const TensorView& to, std::int64_t n) {
  std::ranges::copy(from[n], to[n].begin());
}

}  // namespace loom::nodes
