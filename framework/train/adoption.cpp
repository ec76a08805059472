// Replaces the state of a running training job by another state.
#include <fmt/format.h>

#include <algorithm>

#include "data/source.h"
#include "loom/error.h"
#include "train/effective_weight.h"
#include "train/training_state.h"
#include "train/weight_sources.h"

namespace loom {
namespace {

// A tensor of a checkpoint by its name: a parameter's own, its average, or a state of its optimizer.
struct TensorName {
  std::string parameter, objective;
  bool is_average = false;
  bool is_own() const { return objective.empty() && !is_average; }

  // "encoder/conv.weight", "average/encoder/conv.weight", "optimizer/main/encoder/conv.weight/m"
  explicit TensorName(const std::string& name) : parameter(name) {
    constexpr std::string_view kAverage = "average/", kOptimizer = "optimizer/";
    if (name.starts_with(kAverage)) {
      is_average = true;
      parameter = name.substr(kAverage.size());
    } else if (name.starts_with(kOptimizer)) {
      const std::size_t slash = name.find('/', kOptimizer.size());
      objective = name.substr(kOptimizer.size(), slash - kOptimizer.size());
      parameter = name.substr(slash + 1, name.rfind('/') - slash - 1);
    }
  }
};

void copy_values(const TensorView& from, const TensorView& to) {
  std::ranges::copy(from.values(), to.values().begin());
}

Diagnostic& unfit(Diagnostics& findings, const Location& where, std::string message, std::string got,
                  std::string expected) {
  Diagnostic& finding = findings.add(ErrorCode::candidate_unfit, where, std::move(message));
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return finding;
}

std::string text_of(const DataEntry& data) {
  std::string text = data.type;
  for (const auto& [name, option] : data.options) text += fmt::format(" {}={}", name, option.value.text());
  return text;
}

// The norms that the guard remembers, by the names of the objectives.
GuardState guard_for(const TrainingPlan& mine, const TrainingPlan& theirs, const GuardState& old) {
  GuardState guard = old;
  guard.norms.assign(mine.objectives.size(), {});
  for (std::size_t o = 0; o < mine.objectives.size(); ++o) {
    for (std::size_t k = 0; k < theirs.objectives.size() && k < old.norms.size(); ++k) {
      if (theirs.objectives[k].name == mine.objectives[o].name) guard.norms[o] = old.norms[k];
    }
  }
  return guard;
}

std::string node_text(const Graph& graph, int index) {
  const GraphNode& node = graph.node(index);
  std::string text = node.type->name;
  for (const auto& [name, value] : node.options.values()) text += fmt::format(" {}={}", name, value.text());
  for (const ScheduledOption& option : node.scheduled)
    text += fmt::format(" {}={}", option.name, option.as_written.text());
  return text;
}

// Weights, and their averages, whose layers had a norm and have none or another one now are those that the layers used.
void carry_norms(const Graph& graph, std::span<const NamedTensor> mine, std::span<const NamedTensor> theirs) {
  const auto find = [](std::span<const NamedTensor> tensors, const std::string& name) {
    const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
    return found == tensors.end() ? nullptr : &*found;
  };
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& weight : node.parameters) {
      for (const std::string average : {"", "average/"}) {
        const NamedTensor *to = find(mine, average + weight.path), *from = find(theirs, average + weight.path);
        if (!node.owns(weight) || to == nullptr || from == nullptr || from->view.shape() != to->view.shape()) continue;
        const auto stored = [&](const std::string& path) {
          const NamedTensor* value = find(theirs, average + path);
          if (value == nullptr) value = find(theirs, path);  // states have no average
          if (value == nullptr) return std::vector<float>();
          return std::vector<float>(value->view.values().begin(), value->view.values().end());
        };
        make_effective(node, weight, stored, to->view.values());
      }
    }
  }
}

}  // namespace

void TrainingState::check_adoption(const TrainingState& running) const {
  Diagnostics findings;
  const auto same = [&](std::string_view what, const Location& where, const std::string& mine,
                        const std::string& theirs, const char* remedy) {
    if (mine == theirs) return;
    unfit(findings, where, fmt::format("the {} cannot change during training", what), mine, theirs).hint = remedy;
  };
  constexpr const char* kBatch = "stop the training: train --resume RUN --batch N changes it";
  constexpr const char* kData = "stop the training: train --resume RUN --data TYPE:PATH changes them";
  const RunSettings &mine = settings_, &theirs = running.settings_;
  same("batch", document_.train.where, fmt::format("{}", mine.batch), fmt::format("{}", theirs.batch), kBatch);
  same("seed", document_.train.where, fmt::format("{}", mine.seed), fmt::format("{}", theirs.seed), kSeedIsFixed);
  if (!same_data(mine.data, theirs.data))
    same("data", mine.data.where, text_of(mine.data), text_of(theirs.data), kData);
  for (const Parameter& item : parameters_.items()) {
    const int index = running.parameters_.find(item.path);
    if (index < 0) continue;
    const Shape& before = running.parameters_.at(index).shape;
    const auto kept = running.aside_.find(item.path);
    const bool had_it = kept != running.aside_.end() && kept->second->shape() == item.shape;
    if (item.shape == before || had_it || starts_anew(document_.train, item.path)) continue;
    const int node = graph_->find(item.path.substr(0, item.path.rfind('.')));
    unfit(findings, node < 0 ? Location() : graph_->node(node).where,
          fmt::format("the parameter '{}' has a different shape from the trained one", item.path), item.shape.text(),
          before.text())
        .hint = fmt::format("train.reinitialise: [{}] initialises it again", item.path);
  }
  findings.throw_if_any();
}

// What the monitor depends on: the losses and their weights.
std::vector<std::string> TrainingState::measure_terms() const {
  std::vector<std::string> texts = {plan_.selection.text(plan_)};
  for (const LossTerm& term : plan_.terms) {
    if (term.in_evaluation) texts.push_back(term.name + ' ' + node_text(*graph_, term.port.node));
  }
  return texts;
}

// Each tensor comes from the running state, else from the tensors that were set aside; otherwise it is initialised.
void TrainingState::take(const TrainingState& running, const CheckpointInfo& info, std::vector<bool>& taken,
                         Adoption& adoption) {
  std::map<std::string_view, std::size_t> theirs;
  for (std::size_t i = 0; i < running.tensors_.size(); ++i) theirs.emplace(running.tensors_[i].name, i);
  std::vector<const NamedTensor*> averages;
  for (const NamedTensor& mine : tensors_) {
    const TensorName name(mine.name);
    const auto it = theirs.find(mine.name);
    const auto kept = aside_.find(mine.name);
    if (it != theirs.end() && running.tensors_[it->second].view.shape() == mine.view.shape()) {
      copy_values(running.tensors_[it->second].view, mine.view);
      taken[it->second] = true;
      ++adoption.carried;
    } else if (kept != aside_.end() && kept->second->shape() == mine.view.shape()) {
      copy_values(kept->second->view(), mine.view);
      aside_.erase(kept);
      if (name.is_own()) adoption.restored.push_back(mine.name);
    } else if (name.is_average) {
      averages.push_back(&mine);
    } else if (name.is_own()) {
      adoption.fresh.push_back(mine.name);
    } else {
      const auto updates = info.optimizer_updates.find(name.objective);
      updater_->set_start(name.objective, name.parameter,
                          updates == info.optimizer_updates.end() ? 0 : updates->second);
    }
  }
  for (const NamedTensor* average : averages)  // as at the start: an average starts at the weight
    copy_values(parameters_.at(parameters_.find(TensorName(average->name).parameter)).value.view(), average->view);
}

// Tensors of the running state that this state does not have.
void TrainingState::set_aside(const TrainingState& running, const std::vector<bool>& taken, Adoption& adoption) {
  for (std::size_t i = 0; i < running.tensors_.size(); ++i) {
    if (taken[i]) continue;
    const NamedTensor& tensor = running.tensors_[i];
    auto copy = std::make_shared<Tensor>(DType::f32, tensor.view.shape());
    copy_values(tensor.view, copy->view());
    aside_[tensor.name] = std::move(copy);
    if (TensorName(tensor.name).is_own()) adoption.set_aside.push_back(tensor.name);
  }
}

Adoption TrainingState::adopt(const TrainingState& running) {
  Adoption adoption;
  progress_ = running.progress_;
  place_weights();
  best_is_new_ = running.best_is_new_;
  untouched_ = running.untouched_;
  adoption.measure_changed = measure_terms() != running.measure_terms();
  guard_.restore(guard_for(plan_, running.plan_, running.guard_.state()));
  const CheckpointInfo info = running.info("");
  updater_->restore(info);
  aside_ = running.aside_;
  std::vector<bool> taken(running.tensors_.size(), false);
  take(running, info, taken, adoption);
  set_aside(running, taken, adoption);
  carry_norms(*graph_, tensors_, running.tensors_);
  for (const std::string& path : adoption.fresh) {  // a new average starts at what it follows, a norm at its weight's
    const int index = parameters_.find(path);
    const int followed = index < 0 ? -1 : parameters_.at(index).follows;
    if (index >= 0 && parameters_.at(index).norms_of >= 0) parameters_.renew_norms(parameters_.at(index));
    if (followed >= 0) copy_values(parameters_.at(followed).value.view(), parameters_.at(index).value.view());
  }
  parameters_.touch();
  return adoption;
}

}  // namespace loom
