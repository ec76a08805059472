#include "measure/advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace loom::measure {
namespace {

constexpr std::size_t kListed = 16;  // dimensions named one by one

std::string listed(std::vector<std::int64_t> dimensions) {
  const std::size_t more = dimensions.size() > kListed ? dimensions.size() - kListed : 0;
  dimensions.resize(dimensions.size() - more);
  const std::string text = fmt::format("{}", fmt::join(dimensions, ", "));
  return more > 0 ? fmt::format("{} and {} more", text, more) : text;
}

bool declares(const GraphNode& node, const char* option) {
  const auto names = node.contract().option_names();
  return std::ranges::find(names, option) != names.end();
}

// The schedules that the loss's weight is made of, in the first objective that has it.
std::vector<ScheduledValue> weights_of(const TrainingPlan& plan, const std::string& loss) {
  for (const Objective& objective : plan.objectives) {
    for (std::size_t k = 0; k < objective.terms.size(); ++k) {
      if (plan.terms[static_cast<std::size_t>(objective.terms[k])].name == loss) return objective.weights[k];
    }
  }
  return {};
}

// Noise between the latent variable and the likelihood, beside the draws themselves: a decoder kept from knowing all.
bool has_noise(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const GraphNode& node) {
    return node.contract().is_stochastic() && node.contract().role() == Role::other && !node.inputs.empty();
  });
}

}  // namespace

std::string sentence(const Collapse& measured) {
  const std::vector<std::int64_t> collapsed = measured.collapsed();
  const std::size_t all = measured.variance.size(), active = all - collapsed.size();
  if (collapsed.empty())
    return all == 1 ? "the one latent dimension carries information"
                    : fmt::format("all {} latent dimensions carry information", all);
  if (active == 0) return fmt::format("none of {} latent dimensions carries information: all have collapsed", all);
  return fmt::format("{} of {} latent dimensions carr{} information; {} ha{} collapsed", active, all,
                     active == 1 ? "ies" : "y", listed(collapsed), collapsed.size() == 1 ? "s" : "ve");
}

std::vector<std::string> remedies(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const Posterior& posterior) {
  const GraphNode& node = graph.node(posterior.divergence);
  const std::vector<ScheduledValue> weights = weights_of(plan, posterior.name);
  std::vector<std::string> out;
  if (std::ranges::all_of(weights, &ScheduledValue::is_constant))
    out.push_back(
        fmt::format("a warm-up of its weight (losses.{}.weight: {{from: 0, to: 1, over: 5000}})", posterior.name));
  double weight = 1;
  for (const ScheduledValue& schedule : weights)
    weight *= schedule.value(std::max<std::int64_t>(0, document.train.steps - 1));
  if (weight > 1) out.push_back(fmt::format("a smaller weight (it is {:g} at the end)", weight));
  const bool charged = declares(node, "free_bits") && node.options.number("free_bits") > 0;
  const bool bounded = declares(node, "capacity") && node.options.has("capacity");
  if (declares(node, "free_bits") && !charged && !bounded) out.emplace_back("free_bits");
  if (declares(node, "capacity") && !charged && !bounded) out.emplace_back("a capacity");
  if (document.train.encoder_steps == 1) out.emplace_back("more steps of the encoder (train.encoder_steps)");
  if (node.contract().output_index("committed_rate") < 0) out.emplace_back("a prior that commits a rate (a delta-VAE)");
  out.emplace_back(has_noise(graph) ? "a weaker decoder (fewer layers, a smaller receptive field)"
                                    : "a weaker decoder (dropout of its inputs, a smaller receptive field)");
  return out;
}

std::vector<std::string> findings(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                  const std::vector<Posterior>& posteriors, const std::vector<Collapse>& measured) {
  std::vector<std::string> out;
  for (std::size_t p = 0; p < measured.size(); ++p) {
    std::string text = measured.size() > 1 ? measured[p].name + ": " : "";
    text += sentence(measured[p]);
    if (!measured[p].collapsed().empty())
      text += fmt::format(". Not tried yet: {}", fmt::join(remedies(document, plan, graph, posteriors[p]), "; "));
    out.push_back(std::move(text));
  }
  return out;
}

CollapseReporter::CollapseReporter(const Document& document, const TrainingPlan& plan, const Graph& graph,
                                   CollapseLimits limits)
    : CollapseWatch(graph, find_posteriors(graph, resolve_losses(document, graph)), limits),
      document_(document),
      plan_(plan),
      graph_(graph) {}

WatchedFigures CollapseReporter::finish(Executor& executor) {
  const std::vector<Collapse> measured = measure(executor);
  WatchedFigures figures{curves_of(measured), {}};
  if (!measured.empty())
    figures.notes.emplace_back(
        "collapse", fmt::format("{}", fmt::join(findings(document_, plan_, graph_, posteriors(), measured), "\n")));
  return figures;
}

}  // namespace loom::measure
