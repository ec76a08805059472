#include "train/training_programs.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace loom {
namespace {

constexpr std::int64_t kPart = 1 << 14;  // floats that a task adds

// Other noise for each batch of a step; the first one has that of a step of one batch.
std::uint64_t seed_of(std::uint64_t seed, std::int64_t part) {
  return seed ^ (static_cast<std::uint64_t>(part) * 0x9E3779B97F4A7C15ULL);
}

}  // namespace

TrainingPrograms::TrainingPrograms(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor,
                                   const TrainingPlan& plan, std::vector<Port> feeds, const Size& size)
    : graph_(std::move(graph)), store_(store), executor_(executor), plan_(plan), feeds_(std::move(feeds)), size_(size) {
  int count = 0;
  for (const LossTerm& term : plan_.terms) request_terms_.push_back(term.in_training ? count++ : -1);
  means_.assign(plan_.terms.size(), std::numeric_limits<double>::quiet_NaN());
  active_.resize(plan_.objectives.size());
  std::vector<std::size_t> objectives(plan_.objectives.size());
  std::iota(objectives.begin(), objectives.end(), std::size_t{0});
  all_ = make(objectives);
  size_.shard = all_.program->request().shard;
  size_.lanes = all_.program->request().lanes;
}

TrainingPrograms::Variant TrainingPrograms::make(const std::vector<std::size_t>& objectives) const {
  ProgramRequest request;
  request.training = true;
  request.transformed = size_.transformed;
  request.bf16 = size_.bf16;
  request.feeds = feeds_;
  request.recompute = plan_.recompute;
  request.batch = size_.batch;
  request.shard = size_.shard;
  request.lanes = size_.lanes;
  for (const LossTerm& term : plan_.terms) {
    if (term.in_training) request.terms.push_back(term.port);
  }
  for (const Port& monitor : plan_.monitors) request.terms.push_back(monitor);
  Variant variant;
  variant.objectives = objectives;
  variant.gradients.resize(plan_.objectives.size());
  variant.squares.resize(plan_.objectives.size());
  for (const std::size_t index : objectives) {
    const Objective& objective = plan_.objectives[index];
    ObjectiveRequest& entry = request.objectives.emplace_back();
    for (const int term : objective.terms) entry.terms.push_back(request_terms_[static_cast<std::size_t>(term)]);
    entry.parameters = objective.parameters;
    variant.weights.emplace_back(objective.terms.size());
    variant.gradients[index].resize(objective.parameters.size());
    variant.squares[index].resize(objective.parameters.size());
  }
  variant.program = std::make_unique<Program>(graph_, store_, executor_, std::move(request));
  return variant;
}

TrainingPrograms::Variant& TrainingPrograms::variant_for(std::int64_t step) {
  for (std::size_t i = 0; i < active_.size(); ++i) active_[i] = plan_.objectives[i].is_due(step);
  if (std::ranges::find(active_, false) == active_.end()) return all_;
  const auto it = others_.find(active_);
  if (it != others_.end()) return it->second;
  std::vector<std::size_t> objectives;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    if (active_[i]) objectives.push_back(i);
  }
  return others_.emplace(active_, make(objectives)).first->second;
}

void TrainingPrograms::run(std::int64_t step, std::span<const TensorView> feeds, std::int64_t samples,
                           std::uint64_t seed, bool feeds_repeat, Part part) {
  Variant& variant = variant_for(step);
  for (std::size_t k = 0; k < variant.objectives.size(); ++k) {
    const Objective& objective = plan_.objectives[variant.objectives[k]];
    for (std::size_t t = 0; t < objective.terms.size(); ++t) variant.weights[k][t] = objective.weight(t, step);
  }
  variant.program->run({.feeds = feeds,
                        .weights = variant.weights,
                        .samples = samples,
                        .seed = seed_of(seed, part.index),
                        .step = static_cast<std::uint32_t>(step),
                        .feeds_repeat = feeds_repeat});
  if (!plan_.monitors.empty()) apply_conditions(*variant.program);
  last_ = &variant;
  last_step_ = step;
  for (std::size_t t = 0; t < means_.size(); ++t) {
    if (request_terms_[t] >= 0) means_[t] = variant.program->term_mean(request_terms_[t]);
  }
  for (std::size_t k = 0; k < variant.objectives.size(); ++k) {
    std::vector<std::span<float>>& gradients = variant.gradients[variant.objectives[k]];
    std::vector<std::span<const double>>& squares = variant.squares[variant.objectives[k]];
    for (std::size_t p = 0; p < gradients.size(); ++p) {
      gradients[p] = variant.program->gradient(static_cast<int>(k), static_cast<int>(p));
      squares[p] = variant.program->gradient_squares(static_cast<int>(k), static_cast<int>(p));
    }
  }
  is_summed_ = part.count > 1;
  if (is_summed_) add_part(variant, part);
}

void TrainingPrograms::add_part(Variant& variant, Part part) {
  const std::size_t objectives = plan_.objectives.size();
  if (sums_.empty()) {
    sums_.resize(objectives);
    summed_.resize(objectives);
    for (std::size_t o = 0; o < objectives; ++o) {
      for (const int parameter : plan_.objectives[o].parameters)
        sums_[o].emplace_back(static_cast<std::size_t>(store_.at(parameter).value.count()));
      summed_[o].assign(sums_[o].begin(), sums_[o].end());
    }
  }
  if (part.index == 0) {
    for (auto& gradients : sums_)
      for (std::vector<float>& gradient : gradients) std::ranges::fill(gradient, 0.0F);
    any_active_.assign(objectives, false);
    mean_sums_.assign(means_.size(), 0.0);
  }
  const auto share = static_cast<float>(1.0 / static_cast<double>(part.count));
  for (const std::size_t o : variant.objectives) {
    if (!active_[o]) continue;
    any_active_[o] = true;
    for (std::size_t p = 0; p < sums_[o].size(); ++p) {
      struct Work {
        float* sum;
        const float* gradient;
        float share;
      } work{sums_[o][p].data(), variant.gradients[o][p].data(), share};
      const auto count = static_cast<std::int64_t>(sums_[o][p].size());
      executor_.parallel_for(count, kPart, [&work](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) work.sum[i] += work.share * work.gradient[i];
      });
    }
  }
  active_ = any_active_;
  for (std::size_t t = 0; t < means_.size(); ++t) {
    mean_sums_[t] += means_[t];
    means_[t] = mean_sums_[t] / static_cast<double>(part.index + 1);
  }
}

void TrainingPrograms::apply_conditions(const Program& program) {
  const auto first = static_cast<int>(program.request().terms.size() - plan_.monitors.size());
  const auto met = [&](const Objective& objective) {
    return std::ranges::all_of(objective.only_if, [&](const Objective::Condition& condition) {
      const double mean = program.term_mean(first + condition.monitor);
      return mean > condition.above && mean < condition.below;
    });
  };
  int conditional = 0, fulfilled = 0;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const Objective& objective = plan_.objectives[i];
    if (!active_[i] || objective.only_if.empty()) continue;
    ++conditional;
    if (met(objective)) ++fulfilled;
  }
  if (conditional > 1 && fulfilled == 0) return;
  for (std::size_t i = 0; i < active_.size(); ++i) active_[i] = active_[i] && met(plan_.objectives[i]);
}

bool TrainingPrograms::is_active(std::size_t objective) const { return active_[objective]; }

std::span<const std::span<float>> TrainingPrograms::gradients(std::size_t objective) const {
  return is_summed_ ? std::span<const std::span<float>>(summed_[objective]) : last_->gradients[objective];
}

std::span<const std::span<const double>> TrainingPrograms::squares(std::size_t objective) const {
  return is_summed_ ? std::span<const std::span<const double>>() : last_->squares[objective];
}

double TrainingPrograms::objective_loss(std::size_t index) const {
  const Objective& objective = plan_.objectives[index];
  double sum = 0;
  for (std::size_t t = 0; t < objective.terms.size(); ++t)
    sum += objective.weight(t, last_step_) * means_[static_cast<std::size_t>(objective.terms[t])];
  return sum;
}

}  // namespace loom
