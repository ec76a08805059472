#include "run/stage_flow.h"

#include <tbb/flow_graph.h>

#include <map>

namespace loom {
namespace {

using Task = tbb::flow::continue_node<tbb::flow::continue_msg>;

}  // namespace

class StageFlow::Impl {
 public:
  Impl(const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors, int lanes,
       StageCallbacks callbacks)
      : callbacks_(std::move(callbacks)) {
    for (int lane = 0; lane < lanes; ++lane) add_lane(lane, steps, predecessors);
  }

  void run() {
    graph_.reset();
    for (std::size_t lane = 0; lane < begins_.size(); ++lane) {
      if (callbacks_.more(static_cast<int>(lane))) begins_[lane]->try_put({});
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

  void add_lane(int lane, const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors) {
    Task* begin = add_task([this, lane] { callbacks_.enter(lane); });
    begins_.push_back(begin);
    Task* end = add_task([this, lane, begin] {
      if (callbacks_.more(lane)) begin->try_put({});
    });
    std::map<int, Task*> task_of;
    std::map<int, bool> has_successor;
    for (int step : steps) task_of[step] = add_task([this, lane, step] { callbacks_.execute(lane, step); });
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

StageFlow::StageFlow(const std::vector<int>& steps, const std::vector<std::vector<int>>& predecessors, int lanes,
                     StageCallbacks callbacks)
    : impl_(std::make_unique<Impl>(steps, predecessors, lanes, std::move(callbacks))) {}
StageFlow::~StageFlow() = default;
void StageFlow::run() { impl_->run(); }

}  // namespace loom
