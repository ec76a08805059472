// One stage of a program as a oneTBB flow graph: a task per (step, worker), edges where a step must wait for another.
//
// Each worker loops: take the next shard, run the stage's steps, take the next. Independent branches of a shard and
// different workers run in parallel.
//
// Internal to framework/run. Built and run inside the executor's arena; run() may be repeated, one at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace loom {

struct StageCallbacks {
  std::function<bool(int worker)> enter;  // takes the next shard; false: there is none
  std::function<void(int worker, int step)> execute;
};

class StageFlow {
 public:
  // `predecessors` is per step of the whole tape; only steps of this stage appear for this stage's steps.
  StageFlow(const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors, int workers,
            StageCallbacks callbacks);
  ~StageFlow();
  void run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
