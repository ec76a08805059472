#include "train/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loom/error.h"
#include "loom/math.h"
#include "train/evaluation_draws.h"
#include "train/first_not_finite.h"
#include "train/front_cache.h"

namespace loom {
namespace {

// Evaluation draws from different random streams than training.
constexpr std::uint64_t kSeedOffset = 0x9E3779B97F4A7C15;
constexpr std::uint64_t kDrawOffset = 0xD1B54A32D192ED03;  // and each draw of an item from others

// The value of a part: of a divergence whose loss is more (free bits, a capacity), the divergence itself.
Port nats_of(const Graph& graph, const LossTerm& part) {
  const int kl = graph.node(part.port.node).contract().output_index("kl");
  return part.role == LossRole::divergence && !part.role_is_given && kl >= 0 ? Port{part.port.node, kl} : part.port;
}

}  // namespace

struct Evaluator::Pass {
  std::string split;
  std::unique_ptr<Batches> batches;
  std::unique_ptr<Program> program;
  // Of each part of the evidence: where its terms are in the program, behind those of the losses, and what is fetched
  // of it, behind what is for the metrics; -1: there is none.
  struct Place {
    int nats = -1, committed = -1, log_ratio = -1, mask = -1;
  };
  std::vector<Place> parts;
  std::shared_ptr<const Graph> graph;  // that of the evaluator, with the connections that the ratios need
  std::vector<Port> feeds;             // of `graph`
  std::size_t watched = 0;             // the first of what is fetched is for the metrics
};

struct Evaluator::Sums {
  explicit Sums(const Evidence& evidence) : evidence(evidence) {}
  std::vector<Moments> terms;
  EvidenceSums evidence;
  std::vector<LogMeanExp> log_weights;  // per sample of the batch
  std::int64_t samples = 0;
  std::optional<NotFiniteStory> not_finite;  // of the first batch with such a term
};

Evaluator::Evaluator(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor,
                     const Registry& registry, std::vector<LossTerm> terms, Setting setting)
    : graph_(std::move(graph)),
      store_(store),
      executor_(executor),
      registry_(registry),
      all_terms_(terms),
      setting_(std::move(setting)),
      metrics_(setting_.metrics, *graph_, store_, terms) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!terms[i].in_evaluation) continue;
    terms_.push_back(terms[i]);
    term_indices_.push_back(i);
  }
  evidence_ = find_evidence(*graph_, terms_);
}

ProgramRequest Evaluator::request_for(const Graph& graph, bool with_ratios, Pass& pass) const {
  ProgramRequest request;
  // `graph` may have more connections than the one that the ports are of.
  const auto add = [&](const std::string& name) {
    const Port port = graph.port(name, ErrorCode::bad_fetch);
    const auto known = std::ranges::find(request.terms, port);
    if (known != request.terms.end()) return static_cast<int>(known - request.terms.begin());
    request.terms.push_back(port);
    return static_cast<int>(request.terms.size()) - 1;
  };
  for (const LossTerm& term : terms_)
    request.terms.push_back(graph.port(graph_->name_of(term.port), ErrorCode::bad_fetch));
  for (const LossTerm& part : evidence_.parts) {
    Pass::Place& place = pass.parts.emplace_back();
    place.nats = add(graph_->name_of(nats_of(*graph_, part)));
    if (part.role != LossRole::divergence) continue;
    const GraphNode& node = graph_->node(part.port.node);
    if (node.contract().output_index("committed_rate") >= 0) place.committed = add(node.path + ".committed_rate");
    if (with_ratios) place.log_ratio = add(node.path + ".log_ratio");
  }
  if (request.terms.empty())
    throw Error(ErrorCode::no_loss, "the graph has no loss to evaluate", "add an entry under `losses:`");
  return request;
}

// Fetches the masks of the likelihoods, behind what the metrics watch.
void Evaluator::add_masks(const Graph& graph, ProgramRequest& request, Pass& pass) const {
  pass.watched = request.fetch.size();
  for (std::size_t p = 0; p < evidence_.parts.size(); ++p) {
    const LossTerm& part = evidence_.parts[p];
    if (!part.mask.valid()) continue;
    pass.parts[p].mask = static_cast<int>(request.fetch.size());
    request.fetch.push_back(graph.port(graph_->name_of(part.mask), ErrorCode::bad_fetch));
  }
}

// The values of the target of item n that are there.
double Evaluator::values_there(const Pass& current, std::size_t p, std::size_t n, std::int64_t samples) const {
  const auto all = static_cast<double>(evidence_.parts[p].event_values);
  const int fetched = current.parts[p].mask;
  if (fetched < 0) return all;
  const TensorView mask = current.program->fetched(fetched);
  const std::int64_t each = mask.samples() / samples;  // rows of an item
  const TensorView rows = mask.rows(static_cast<std::int64_t>(n) * each, each);
  return all * math::sum(rows.data(), rows.count()) / static_cast<double>(rows.count());
}

Evaluator::Pass& Evaluator::pass(const std::string& wanted_split, bool with_ratios, const std::vector<Port>& watched) {
  const std::string split = has_splits(registry_, setting_.data) ? wanted_split : "";
  std::string key = fmt::format("{} {}", split, with_ratios);
  for (const Port& port : watched) key += " " + graph_->name_of(port);
  std::shared_ptr<Pass>& pass = passes_[key];
  if (pass) return *pass;
  auto fresh = std::make_shared<Pass>();
  fresh->split = split;
  const auto graph = with_ratios ? connect_draws(graph_, setting_.entries, registry_, evidence_) : graph_;
  fresh->graph = graph;
  ProgramRequest request = request_for(*graph, with_ratios, *fresh);
  for (const Port& port : watched) request.fetch.push_back(graph->port(graph_->name_of(port), ErrorCode::bad_fetch));
  add_masks(*graph, request, *fresh);
  const auto source = open_split(registry_, setting_.data, split, setting_.card.get());
  std::vector<Port> wanted = request.terms;
  wanted.insert(wanted.end(), request.fetch.begin(), request.fetch.end());
  const FrontFeeds feeds = plan_front_feeds(*graph, store_, wanted, false, *source, setting_.cache);
  check_requests(feeds, source);
  fresh->feeds = request.feeds = feeds.ports;
  const std::int64_t least = graph->least_samples(false);
  request.batch = std::max(setting_.batch, least) + least - 1;
  request.shard = setting_.shard;
  request.lanes = setting_.lanes;
  fresh->program = std::make_unique<Program>(graph, store_, executor_, std::move(request));
  fresh->batches =
      std::make_unique<Batches>(open_front(feeds, {graph, store_, executor_}, source, setting_.data, setting_.cache),
                                feeds.requests(), std::max(setting_.batch, least), setting_.seed, false, 2, least);
  pass = std::move(fresh);
  return *pass;
}

Evaluation Evaluator::run(const EvaluationOptions& wanted, const std::vector<double>& weights) {
  if (Evaluator* without = without_large_terms(wanted)) {
    if (!without->terms_.empty()) return without->run(wanted, weights);
    Evaluation nothing;
    nothing.loss = std::numeric_limits<double>::quiet_NaN();
    return nothing;
  }
  EvaluationOptions options = wanted;
  if (evidence_.only(Bound::Kind::exact) != nullptr) options.nll_samples = 0;  // it is known without draws
  Pass& current =
      pass(options.split, options.nll_samples > 0, options.metrics ? metrics_.ports() : std::vector<Port>());
  Sums sums(evidence_);
  sums.terms.resize(terms_.size());
  current.batches->restart(options.limit);
  if (options.metrics) begin_metrics(current, options);
  for (std::uint32_t number = 0;; ++number) {
    const Batches::View batch = current.batches->next();
    if (batch.samples == 0) break;
    add_batch(current, batch, batch.samples, number, options, sums);
  }
  current.batches->seek(0);  // stops reading ahead
  return finish(current, options, sums, weights);
}

// Another evaluator for a split that has fewer items than some losses need; null where it has enough.
Evaluator* Evaluator::without_large_terms(const EvaluationOptions& options) {
  if (graph_->least_samples(false) < 2) return nullptr;
  const std::string split = has_splits(registry_, setting_.data) ? options.split : "";
  std::int64_t items = open_split(registry_, setting_.data, split, setting_.card.get())->size();
  if (options.limit > 0) items = std::min(items, options.limit);
  std::vector<LossTerm> terms = all_terms_;
  std::vector<std::string> left_out;
  for (LossTerm& term : terms) {
    if (!term.in_evaluation || graph_->least_samples(false, term.port) <= items) continue;
    term.in_evaluation = false;
    left_out.push_back(term.name);
  }
  if (left_out.empty()) return nullptr;
  std::unique_ptr<Evaluator>& without = smaller_[items];
  if (!without) {
    spdlog::warn("the evaluation leaves out {}, which need{} more items than the {} of the split '{}'",
                 fmt::join(left_out, ", "), left_out.size() == 1 ? "s" : "", items, split);
    without = std::make_unique<Evaluator>(graph_, store_, executor_, registry_, std::move(terms), setting_);
  }
  return without.get();
}

void Evaluator::begin_metrics(const Pass& current, const EvaluationOptions& options) {
  const std::int64_t size = current.batches->source().size();
  metrics_.begin({.samples = options.limit > 0 ? std::min(options.limit, size) : size,
                  .in_training = options.in_training,
                  .seed = options.in_training ? 1 : setting_.seed,
                  .threads = &executor_});
}

void Evaluator::add_batch(Pass& current, const Batches::View& batch, std::int64_t samples, std::uint32_t number,
                          const EvaluationOptions& options, Sums& sums) {
  std::vector<TensorView> feeds;
  for (const TensorView& column : batch.columns) feeds.push_back(column.rows(0, samples));
  const auto draws = static_cast<std::uint64_t>(std::max<std::int64_t>(1, options.nll_samples));
  sums.log_weights.assign(static_cast<std::size_t>(samples), LogMeanExp());
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    // The first draw is that of an evaluation without further ones.
    const std::uint64_t seed = setting_.seed ^ kSeedOffset ^ draw * kDrawOffset;
    const StepInput input = {.feeds = feeds,
                             .weights = {},
                             .samples = samples,
                             .seed = seed,
                             .step = number,
                             .first_item = static_cast<std::int64_t>(number) * setting_.batch};
    current.program->run(input);
    if (draw == 0) {
      add_first_draw(current, samples, options, sums);
      find_not_finite(current, batch, input, sums);
    }
    if (options.nll_samples > 0) add_weights(current, sums);
  }
  if (options.nll_samples <= 0) return;
  for (const LogMeanExp& weights : sums.log_weights) sums.evidence.add_nll(-weights.value());
}

// The batch is computed again, once in an evaluation, where a term of it is not finite.
void Evaluator::find_not_finite(const Pass& current, const Batches::View& batch, const StepInput& input, Sums& sums) {
  if (sums.not_finite) return;
  std::vector<Port> wanted;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const std::span<const float> values = current.program->term(static_cast<int>(t));
    if (!math::all_finite(values.data(), input.samples))
      wanted.push_back(current.graph->port(graph_->name_of(terms_[t].port), ErrorCode::bad_fetch));
  }
  if (wanted.empty()) return;
  const auto found = first_not_finite({current.graph, store_, executor_}, current.feeds, wanted, input, false);
  if (!found) return;
  const std::int64_t item = batch.indices[static_cast<std::size_t>(found->item)];
  const std::string of = current.split.empty() ? "the data" : fmt::format("the split '{}'", current.split);
  sums.not_finite = tell(*current.graph, *found, fmt::format("{} of {}", item, of));
}

void Evaluator::add_first_draw(const Pass& current, std::int64_t samples, const EvaluationOptions& options,
                               Sums& sums) {
  if (options.metrics) {
    std::vector<TensorView> values;
    for (std::size_t i = 0; i < current.watched; ++i) values.push_back(current.program->fetched(static_cast<int>(i)));
    metrics_.add(values);
  }
  for (std::size_t n = 0; n < static_cast<std::size_t>(samples); ++n) {
    const auto term = [&](int t) { return static_cast<double>(current.program->term(t)[n]); };
    for (std::size_t t = 0; t < terms_.size(); ++t) sums.terms[t].add(term(static_cast<int>(t)));
    sums.evidence.add({.nats = [&](std::size_t p) { return term(current.parts[p].nats); },
                       .committed =
                           [&](std::size_t p) {
                             const int place = current.parts[p].committed;
                             return place < 0 ? std::numeric_limits<double>::quiet_NaN() : term(place);
                           },
                       .values = [&](std::size_t p) { return values_there(current, p, n, samples); }});
  }
  sums.samples += samples;
}

// ln p(x, z) - ln q(z|x) of a draw.
void Evaluator::add_weights(const Pass& current, Sums& sums) const {
  for (std::size_t n = 0; n < sums.log_weights.size(); ++n) {
    double log_weight = 0;
    for (std::size_t p = 0; p < evidence_.parts.size(); ++p) {
      const Pass::Place& place = current.parts[p];
      log_weight -= static_cast<double>(current.program->term(place.log_ratio < 0 ? place.nats : place.log_ratio)[n]);
    }
    sums.log_weights[n].add(log_weight);
  }
}

Evaluation Evaluator::finish(const Pass& current, const EvaluationOptions& options, const Sums& sums,
                             const std::vector<double>& weights) {
  Evaluation result;
  result.split = current.split;
  result.data_hash = current.batches->source().hash();
  result.samples = sums.samples;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const double weight = weights[term_indices_[t]];
    if (weight != 0) result.loss += weight * sums.terms[t].mean();
  }
  if (sums.not_finite && !std::isfinite(result.loss)) {
    result.not_finite = sums.not_finite->detail;
    result.remedy = sums.not_finite->remedy;
  }
  for (std::size_t t = 0; t < weights.size(); ++t)
    result.is_whole &= weights[t] == 0 || std::ranges::find(term_indices_, t) != term_indices_.end();
  result.values = sums.evidence.values(options.nll_samples, result.split);
  const auto add_term = [&](const std::string& name, double mean) {
    result.values.push_back({name, "terms", name, "nats", mean, {}, result.split, "", true});
  };
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    add_term(terms_[t].name, sums.terms[t].mean());
    for (std::size_t p = 0; p < evidence_.parts.size(); ++p) {
      const Moments& nats = sums.evidence.part(p);
      if (evidence_.parts[p].port == terms_[t].port && nats.sum != sums.terms[t].sum)
        add_term(terms_[t].name + ".kl", nats.mean());
    }
  }
  for (const auto& [name, nats] : sums.evidence.levels(terms_)) add_term(name, nats);
  if (!options.metrics) return result;
  const std::vector<MetricValue> measured = metrics_.finish(result.split);
  result.values.insert(result.values.end(), measured.begin(), measured.end());
  return result;
}

std::optional<double> Evaluation::evidence() const {
  const std::optional<double> elbo = number("negative_elbo");
  return elbo ? elbo : number("nll");
}

std::optional<double> Evaluation::number(const std::string& key) const {
  for (const MetricValue& value : values) {
    if (value.key == key && value.subject != "terms") return number_of(value);
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, double>> Evaluation::terms() const {
  std::vector<std::pair<std::string, double>> terms;
  for (const MetricValue& value : values) {
    if (value.subject == "terms") terms.emplace_back(value.key, number_of(value).value());
  }
  return terms;
}

}  // namespace loom
