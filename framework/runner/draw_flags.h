// The flags of verbs that draw: --temperature, --top-k, --top-p, --class, for the nodes of a generate entry that have these
// options, --likelihood, what is shown of it, and --seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "loom/model.h"
#include "runner/flags.h"

namespace loom::runner {

struct DrawFlags {
  std::optional<double> temperature, top_p;
  std::optional<std::int64_t> top_k, only_class;
  std::string likelihood;
  std::uint64_t seed = 1;
  std::optional<std::int64_t> steps;  // of add_sampler_flags()
  std::optional<double> guidance, choice_temperature;
  std::string solver;

  DrawOptions options() const;
};

void add_draw_flags(Verb& verb, DrawFlags& flags);
// --steps, --solver, --guidance and --choice-temperature, for an entry that iterates.
void add_sampler_flags(Verb& verb, DrawFlags& flags);

}  // namespace loom::runner
