#include "train/advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace loom {
namespace {

constexpr std::size_t kListed = 16;  // the most dimensions that are listed

std::string listed_dimensions(std::vector<std::int64_t> dimensions) {
  const std::size_t more = dimensions.size() > kListed ? dimensions.size() - kListed : 0;
  dimensions.resize(dimensions.size() - more);
  const std::string text = fmt::format("{}", fmt::join(dimensions, ", "));
  return more > 0 ? fmt::format("{} and {} more", text, more) : text;
}

bool declares(const GraphNode& node, const char* option) {
  const auto names = node.contract().option_names();
  return std::ranges::find(names, option) != names.end();
}

// The schedules of the loss's weight, in the first objective that has the loss.
std::vector<ScheduledValue> weights_of(const TrainingPlan& plan, const std::string& loss) {
  for (const Objective& objective : plan.objectives) {
    for (std::size_t k = 0; k < objective.terms.size(); ++k) {
      if (plan.terms[static_cast<std::size_t>(objective.terms[k])].name == loss) return objective.weights[k];
    }
  }
  return {};
}

// Noise between the latent variable and the likelihood, besides the draws: a decoder with incomplete information.
bool has_noise(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const GraphNode& node) {
    return node.contract().is_stochastic() && node.contract().role() == Role::other &&
           std::ranges::any_of(node.inputs, &Port::valid);
  });
}

// The option is a choice of words that include `word`, and a different one is set.
bool could_be(const GraphNode& node, const std::string& option, const std::string& word) {
  const auto& declared = node.contract().options();
  const auto it = std::ranges::find(declared, option, &OptionDeclaration::name);
  return it != declared.end() && std::ranges::find(it->constraint.choices, word) != it->constraint.choices.end() &&
         node.options.is_text(option) && node.options.text(option) != word;
}

std::int64_t integer_at(const std::vector<MetricValue>& values, const char* key, const std::string& subject) {
  const MetricValue* value = find_value(values, key, subject);
  return value == nullptr ? 0 : std::get<std::int64_t>(value->value);
}

}  // namespace

std::string collapse_sentence(std::int64_t all, const std::vector<std::int64_t>& collapsed) {
  const std::int64_t active = all - static_cast<std::int64_t>(collapsed.size());
  if (collapsed.empty())
    return all == 1 ? "the one latent dimension carries information"
                    : fmt::format("all {} latent dimensions carry information", all);
  if (active == 0) return fmt::format("none of {} latent dimensions carries information: all have collapsed", all);
  return fmt::format("{} of {} latent dimensions carr{} information; dimension{} {} ha{} collapsed", active, all,
                     active == 1 ? "ies" : "y", collapsed.size() == 1 ? "" : "s", listed_dimensions(collapsed),
                     collapsed.size() == 1 ? "s" : "ve");
}

std::vector<std::string> collapse_remedies(const Document& document, const TrainingPlan& plan, const Graph& graph,
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

std::string codebook_sentence(std::int64_t used, std::int64_t codes, double perplexity) {
  return fmt::format("{} of {} codes {} used, perplexity {:.1f}", used, codes, used == 1 ? "is" : "are", perplexity);
}

std::vector<std::string> codebook_remedies(const Graph& graph, const std::string& quantizer) {
  std::vector<std::string> out;
  const int index = graph.find(quantizer);
  if (index < 0) return out;
  const GraphNode& node = graph.node(index);
  const auto names = node.contract().option_names();
  if (could_be(node, "init", "kmeans")) out.emplace_back("init: kmeans");
  if (std::ranges::find(names, "restart_after") != names.end() && node.options.integer("restart_after") == 0)
    out.emplace_back("restart_after: 100");
  if (could_be(node, "distance", "cosine")) out.emplace_back("distance: cosine");
  if (!node.inputs.empty() && node.inputs.front().valid()) {
    const std::int64_t dim = graph.shape(node.inputs.front()).back();
    if (dim > 1) out.push_back(fmt::format("codes of fewer dimensions (dim is {})", dim));
  }
  return out;
}

namespace {

// "latents/kl" as "latents".
std::string kind_of(const std::string& subject) { return subject.substr(0, subject.find('/')); }

void add_finding(const MetricValue& of, std::string text, std::vector<MetricValue>& found) {
  found.push_back({"finding", of.subject, "finding", "", std::move(text), {}, of.split, "", false});
}

// If several subjects of a kind have a finding, each finding begins with the name of its subject.
void name_subjects(std::vector<MetricValue>& found) {
  std::map<std::string, int> count;
  for (const MetricValue& finding : found) ++count[kind_of(finding.subject)];
  for (MetricValue& finding : found) {
    const std::string kind = kind_of(finding.subject);
    if (count[kind] > 1)
      finding.value = finding.subject.substr(kind.size() + 1) + ": " + std::get<std::string>(finding.value);
  }
}

}  // namespace

void add_findings(const Document& document, const TrainingPlan& plan, const Graph& graph,
                  std::vector<MetricValue>& values) {
  std::vector<MetricValue> found;
  for (const Posterior& posterior : find_posteriors(graph, plan.terms)) {
    const MetricValue* value = find_value(values, "collapsed", "latents/" + posterior.name);
    if (value == nullptr) continue;
    std::vector<std::int64_t> collapsed;
    for (const OptionValue& item : std::get<std::vector<OptionValue>>(value->value))
      collapsed.push_back(std::get<std::int64_t>(item));
    const std::int64_t all = integer_at(values, "dimensions", value->subject);
    std::string text = collapse_sentence(all, collapsed);
    // A model leaves dimensions unused that its data do not need: only where most are is something likely wrong.
    const bool most = 2 * static_cast<std::int64_t>(collapsed.size()) > all;
    if (!collapsed.empty() && !most) text += "; the data may need no more";
    if (most)
      text += fmt::format(". Not tried yet: {}", fmt::join(collapse_remedies(document, plan, graph, posterior), "; "));
    add_finding(*value, std::move(text), found);
  }
  for (const MetricValue& value : values) {
    if (value.key != "used_codes" || kind_of(value.subject) != "quantizers") continue;
    const std::int64_t used = std::get<std::int64_t>(value.value), codes = integer_at(values, "codes", value.subject);
    const double perplexity = number_of(*find_value(values, "perplexity", value.subject)).value();
    std::string text = codebook_sentence(used, codes, perplexity);
    const auto left = codebook_remedies(graph, value.subject.substr(value.subject.find('/') + 1));
    if (2 * used < codes && !left.empty())
      text += fmt::format(": that is few. Not tried yet: {}", fmt::join(left, "; "));
    add_finding(value, std::move(text), found);
  }
  name_subjects(found);
  values.insert(values.end(), found.begin(), found.end());
}

std::string findings_text(const std::vector<MetricValue>& values) {
  std::string text;
  for (const MetricValue& value : values) {
    if (value.key == "finding") text += (text.empty() ? "" : "\n") + std::get<std::string>(value.value);
  }
  return text;
}

}  // namespace loom
