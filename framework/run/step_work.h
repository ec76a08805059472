// The steps of a tape by name, for traces and profiles, and what each of them has to do.
//
// Internal to framework/run. Thread safety: bind() while nothing runs; of() on any thread.
#pragma once

#include <vector>

#include "core/trace.h"
#include "graph/tape.h"
#include "run/instance.h"
#include "run/profile.h"

namespace loom {

class StepNames {
 public:
  // Names for the spans of this trace; null: none.
  void bind(Trace* trace, const Graph& graph, const Tape& tape);
  const Trace::Name* of(int step) const { return names_.empty() ? nullptr : names_[static_cast<std::size_t>(step)]; }

 private:
  Trace* trace_ = nullptr;
  std::vector<const Trace::Name*> names_;
};

// Of the steps whose nodes the instance has prepared, for `samples` samples.
void add_work(const Graph& graph, const Tape& tape, const Instance& instance, double samples,
              std::vector<StepWork>& work);

}  // namespace loom
