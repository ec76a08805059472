#include "run/stage_flow.h"

#include <tbb/flow_graph.h>

#include <map>

namespace loom {
namespace {

using Task = tbb::flow::continue_node<tbb::flow::continue_msg>;

}  // namespace

class StageFlow::Impl {
 public:
  Impl(const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors, int workers,
       StageCallbacks callbacks)
      : callbacks_(std::move(callbacks)) {
    for (int worker = 0; worker < workers; ++worker) add_worker(worker, steps, predecessors);
  }

  void run() {
    graph_.reset();
    for (std::size_t worker = 0; worker < begins_.size(); ++worker) {
      if (callbacks_.enter(static_cast<int>(worker))) begins_[worker]->try_put({});
    }
    graph_.wait_for_all();
  }

 private:
  Task* add_task(std::function<void()> body) {
    tasks_.push_back(std::make_unique<Task>(graph_, [body = std::move(body)](const tbb::flow::continue_msg& message) {
      body();
      return message;
    }));
    return tasks_.back().get();
  }

  void add_worker(int worker, const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors) {
    Task* begin = add_task([] {});
    begins_.push_back(begin);
    Task* end = add_task([this, worker, begin] {
      if (callbacks_.enter(worker)) begin->try_put({});
    });
    std::map<int, Task*> task_of;
    std::map<int, bool> has_successor;
    for (int step : steps) task_of[step] = add_task([this, worker, step] { callbacks_.execute(worker, step); });
    for (int step : steps) {
      const auto& before = predecessors[static_cast<std::size_t>(step)];
      if (before.empty()) tbb::flow::make_edge(*begin, *task_of[step]);
      for (int p : before) {
        tbb::flow::make_edge(*task_of[p], *task_of[step]);
        has_successor[p] = true;
      }
    }
    for (int step : steps) {
      if (!has_successor[step]) tbb::flow::make_edge(*task_of[step], *end);
    }
  }

  StageCallbacks callbacks_;
  tbb::flow::graph graph_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Task*> begins_;
};

StageFlow::StageFlow(const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors, int workers,
                     StageCallbacks callbacks)
    : impl_(std::make_unique<Impl>(steps, predecessors, workers, std::move(callbacks))) {}
StageFlow::~StageFlow() = default;
void StageFlow::run() { impl_->run(); }

}  // namespace loom
