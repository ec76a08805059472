#include "train/updater.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "loom/math.h"

namespace loom {
namespace {

constexpr std::int64_t kPiece = 1 << 14;  // floats

std::vector<int> trained_parameters(const TrainingPlan& plan) {
  std::set<int> all;
  for (const Objective& objective : plan.objectives)
    all.insert(objective.parameters.begin(), objective.parameters.end());
  return {all.begin(), all.end()};
}

void bound_values(std::span<float> gradient, std::int64_t first, std::int64_t last, float factor, float bound) {
  for (float& value : gradient.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)))
    value = std::clamp(factor * value, -bound, bound);
}

}  // namespace

Updater::Updater(ParameterStore& store, const TrainingPlan& plan, const TrainEntry& train, Executor& executor)
    : store_(store), plan_(plan), executor_(executor), clip_norm_(train.clip_norm), clip_value_(train.clip_value) {
  for (int i = 0; i < static_cast<int>(store_.items().size()); ++i)
    if (store_.at(i).follows >= 0) followers_.push_back(i);
  for (const Objective& objective : plan_.objectives) {
    std::vector<Shape> shapes;
    Part& part = parts_.emplace_back();
    for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
      shapes.push_back(store_.at(objective.parameters[k]).value.shape());
      const std::int64_t count = shapes.back().count();
      for (std::int64_t first = 0; first < count; first += kPiece)
        part.pieces.push_back({static_cast<int>(k), first, std::min(count, first + kPiece)});
    }
    part.optimizer = std::make_unique<OptimizerState>(objective.optimizer, std::move(shapes));
  }
  if (train.average > 0)
    average_ = std::make_unique<MovingAverage>(store_, trained_parameters(plan_), train.average, executor_);
}

void Updater::apply(std::size_t index, std::int64_t step, Gradients gradients, double norm) {
  struct Work {
    Part& part;
    const Objective& objective;
    ParameterStore& store;
    Gradients gradients;
    float factor, bound;  // bound 0: the optimizer multiplies by the factor
  } work{parts_[index],
         plan_.objectives[index],
         store_,
         gradients,
         static_cast<float>(clip_factor(norm, clip_norm_)),
         static_cast<float>(clip_value_)};
  const TraceSpan span(executor_.trace(), "optimizer");
  work.part.optimizer->begin_step(learning_rate(index, step), clip_value_ > 0 ? 1 : clip_factor(norm, clip_norm_));
  executor_.parallel_for(
      static_cast<std::int64_t>(work.part.pieces.size()), 1, [&work](std::int64_t first, std::int64_t last) {
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
          const Piece& piece = work.part.pieces[i];
          const auto k = static_cast<std::size_t>(piece.parameter);
          if (work.bound > 0) bound_values(work.gradients[k], piece.first, piece.last, work.factor, work.bound);
          float* weight = work.store.at(work.objective.parameters[k]).value.values().data();
          work.part.optimizer->update(piece.parameter, piece.first, piece.last, weight, work.gradients[k].data());
        }
      });
}

void Updater::forget(const ReplacedValues& values) {
  const auto range = [&](std::span<float> all) {
    return all.subspan(static_cast<std::size_t>(values.first), static_cast<std::size_t>(values.count));
  };
  for (std::size_t o = 0; o < parts_.size(); ++o) {
    const std::vector<int>& parameters = plan_.objectives[o].parameters;
    const auto it = std::ranges::find(parameters, values.parameter);
    if (it == parameters.end()) continue;
    const OptimizerState& optimizer = *parts_[o].optimizer;
    for (std::size_t s = 0; s < optimizer.state_names().size(); ++s)
      std::ranges::fill(range(optimizer.state(static_cast<int>(it - parameters.begin()), static_cast<int>(s)).values()),
                        0.0F);
  }
  for (std::size_t k = 0; average_ && k < average_->parameters().size(); ++k) {
    if (average_->parameters()[k] != values.parameter) continue;
    std::ranges::copy(range(store_.at(values.parameter).value.values()),
                      range(average_->value(static_cast<int>(k)).values()).begin());
  }
}

void Updater::follow() {
  for (const int index : followers_) {
    struct Work {
      float* average;
      const float* followed;
      double decay;
    } work{store_.at(index).value.values().data(), store_.at(store_.at(index).follows).value.values().data(),
           store_.at(index).decay};
    executor_.parallel_for(store_.at(index).value.count(), kPiece, [&work](std::int64_t first, std::int64_t last) {
      math::moving_average(work.average + first, work.followed + first, work.decay, last - first);
    });
  }
}

void Updater::finish_step() {
  follow();
  store_.touch();
  const TraceSpan span(average_ ? executor_.trace() : nullptr, "average");
  if (average_) average_->update();
}

double Updater::learning_rate(std::size_t objective, std::int64_t step) const {
  return plan_.objectives[objective].learning_rate.value(step);
}

std::vector<NamedTensor> Updater::tensors() const {
  std::vector<NamedTensor> tensors;
  for (std::size_t o = 0; o < parts_.size(); ++o) {
    const Objective& objective = plan_.objectives[o];
    const OptimizerState& optimizer = *parts_[o].optimizer;
    for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
      for (std::size_t s = 0; s < optimizer.state_names().size(); ++s) {
        tensors.push_back({fmt::format("optimizer/{}/{}/{}", objective.name, store_.at(objective.parameters[k]).path,
                                       optimizer.state_names()[s]),
                           optimizer.state(static_cast<int>(k), static_cast<int>(s))});
      }
    }
  }
  for (std::size_t k = 0; average_ && k < average_->parameters().size(); ++k) {
    tensors.push_back({"average/" + store_.at(average_->parameters()[k]).path, average_->value(static_cast<int>(k))});
  }
  return tensors;
}

void Updater::set_start(const std::string& name, const std::string& parameter, std::int64_t updates) {
  for (std::size_t o = 0; o < parts_.size(); ++o) {
    const Objective& objective = plan_.objectives[o];
    if (objective.name != name) continue;
    for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
      if (store_.at(objective.parameters[k]).path == parameter)
        parts_[o].optimizer->set_start(static_cast<int>(k), updates);
    }
  }
}

void Updater::save(CheckpointInfo& info) const {
  for (std::size_t o = 0; o < parts_.size(); ++o) {
    const Objective& objective = plan_.objectives[o];
    info.optimizer_updates[objective.name] = parts_[o].optimizer->updates();
    for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
      const std::int64_t start = parts_[o].optimizer->start(static_cast<int>(k));
      if (start != 0) info.optimizer_starts[objective.name][store_.at(objective.parameters[k]).path] = start;
    }
  }
  info.average_updates = average_ ? average_->updates() : 0;
}

void Updater::restore(const CheckpointInfo& info) {
  for (std::size_t o = 0; o < parts_.size(); ++o) {
    const auto it = info.optimizer_updates.find(plan_.objectives[o].name);
    parts_[o].optimizer->set_updates(it == info.optimizer_updates.end() ? 0 : it->second);
  }
  for (const auto& [objective, starts] : info.optimizer_starts) {
    for (const auto& [parameter, start] : starts) set_start(objective, parameter, start);
  }
  if (average_) average_->set_updates(info.average_updates);
}

}  // namespace loom
