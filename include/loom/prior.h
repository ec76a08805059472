// The two uses of every prior.
//   z not connected: y is a new draw with the shape given by the option `shape`, or by the port that is connected to `like`
//   z connected:     y is z
//   log_density is ln p(y) in both cases, in nats; of priors that take a mask, over the values that are there
// The same node therefore trains (through log_density) and samples, and a document's `generate:` shares its weights
// with the trained prior: {type: mixture_prior, weights: prior}.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "loom/node.h"

namespace loom::nodes {

inline void declare_prior(Contract& c, const std::string& pattern, const std::string& doc) {
  c.role(Role::prior);
  c.input("z", pattern, "the point at which the density is computed; default: a draw").optional();
  c.input("like", pattern, "a port of the shape of a draw; its values are not read").shape_only();
  c.output("y", pattern, doc);
  c.output("log_density", "[N]", "ln p(y), nats");
  c.option("shape", OptionValue(), integer_list().at_least(1),
           "extents of one draw, where neither z nor like is connected");
  c.stochastic();
}

// The extents of an event: those of z or like, or those of the option. If there is none, reports it and returns no extents.
inline std::vector<std::int64_t> prior_extents(ShapeInference& s) {
  for (const char* port : {"z", "like"}) {
    if (!s.has_input(port)) continue;
    const Shape event = s.input(port).event();
    return {event.extents().begin(), event.extents().end()};
  }
  if (s.options().has("shape")) return s.options().integers("shape");
  s.fail("the shape of a draw is not known", "neither z, like nor shape", "shape: [extents], or in: {like: a port}");
  return {};
}

// An optional mask [N, ...M] of z: values where it is 0 do not count in log_density.
inline void infer_prior_mask(ShapeInference& s) {
  if (s.has_input("z"))
    Weighting::infer(s, "z");
  else if (s.has_input("mask"))
    s.fail("a mask says which values of z count", "no z", "in: {z: ..., mask: ...}");
}
inline void prepare_prior_mask(Weighting& weighting, const Prepare& p) {
  if (p.has_input("z")) weighting.prepare(p, "z");
}

inline void copy_event(const TensorView& from, const TensorView& to, std::int64_t n) {
  std::ranges::copy(from[n], to[n].begin());
}

}  // namespace loom::nodes
