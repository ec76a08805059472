#include "train/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "loom/error.h"
#include "loom/math.h"
#include "train/evaluation_draws.h"
#include "train/front_cache.h"

namespace loom {
namespace {

// Evaluation draws from different random streams than training.
constexpr std::uint64_t kSeedOffset = 0x9E3779B97F4A7C15;

// Mean and standard error, summed in the order of the samples.
struct Moments {
  double sum = 0, squares = 0;
  std::int64_t count = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
  double standard_error() const {
    if (count < 2) return 0;
    const double n = static_cast<double>(count);
    return std::sqrt(std::max(0.0, squares / n - mean() * mean()) / (n - 1));
  }
};

// Logarithm of the mean of e^value over the values added so far, in constant memory.
class LogMeanExp {
 public:
  void add(double value) {
    ++count_;
    if (value <= largest_) {
      sum_ += std::exp(value - largest_);
    } else if (std::isfinite(value)) {
      sum_ = sum_ * std::exp(largest_ - value) + 1;
      largest_ = value;
    } else {
      sum_ = value;  // if it is NaN or infinite, so is the mean
    }
  }
  double value() const { return largest_ + std::log(sum_ / static_cast<double>(count_)); }

 private:
  double largest_ = -std::numeric_limits<double>::max(), sum_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace

struct Evaluator::Pass {
  std::string split;
  std::unique_ptr<Batches> batches;
  std::unique_ptr<Program> program;
  // Terms of the program: those of the losses, then the divergences themselves if their losses contain more
  // (free bits, a capacity), then the log ratios.
  std::vector<int> elbo_terms;  // per loss: its part of the ELBO; -1: none
  int ratios = 0;               // the first log ratio
  int committed = 0;            // the first committed rate, after the log ratios
  std::size_t watched = 0;      // the first of what is fetched is for the metrics
  std::vector<int> masks;       // per loss: where its mask is fetched; -1: it has none
};

struct Evaluator::Sums {
  std::vector<Moments> terms;
  Moments elbo, nll, rate, distortion, committed;
  Moments values;                       // of the targets that are there
  std::vector<Moments> divergences;     // per loss; empty if the loss is its part of the ELBO
  std::vector<LogMeanExp> log_weights;  // per sample of the batch
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
}

ProgramRequest Evaluator::request_for(const Graph& graph, bool with_ratios, Pass& pass) const {
  const auto port_of = [&](const std::string& name) { return graph.port(name, ErrorCode::bad_fetch); };
  ProgramRequest request;
  for (const LossTerm& term : terms_) {
    const bool counts = term.role == Role::likelihood || term.role == Role::divergence;
    pass.elbo_terms.push_back(counts ? static_cast<int>(request.terms.size()) : -1);
    request.terms.push_back(port_of(graph_->name_of(term.port)));
  }
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const GraphNode& node = graph_->node(terms_[t].port.node);
    if (terms_[t].role != Role::divergence || node.contract().output_index("kl") < 0) continue;
    pass.elbo_terms[t] = static_cast<int>(request.terms.size());
    request.terms.push_back(port_of(node.path + ".kl"));
  }
  pass.ratios = static_cast<int>(request.terms.size());
  for (const LossTerm& term : terms_) {
    if (with_ratios && term.role == Role::divergence)
      request.terms.push_back(port_of(graph_->node(term.port.node).path + ".log_ratio"));
  }
  pass.committed = static_cast<int>(request.terms.size());
  for (const LossTerm& term : terms_) {
    const GraphNode& node = graph_->node(term.port.node);
    if (term.role == Role::divergence && node.contract().output_index("committed_rate") >= 0)
      request.terms.push_back(port_of(node.path + ".committed_rate"));
  }
  if (request.terms.empty())
    throw Error(ErrorCode::no_loss, "the graph has no loss to evaluate", "add an entry under `losses:`");
  return request;
}

// Fetches the masks of the likelihoods, behind what the metrics watch.
void Evaluator::add_masks(const Graph& graph, ProgramRequest& request, Pass& pass) const {
  pass.watched = request.fetch.size();
  for (const LossTerm& term : terms_) {
    pass.masks.push_back(-1);
    if (!term.mask.valid()) continue;
    pass.masks.back() = static_cast<int>(request.fetch.size());
    request.fetch.push_back(graph.port(graph_->name_of(term.mask), ErrorCode::bad_fetch));
  }
}

// The values of the targets of item n that are there.
double Evaluator::values_there(const Pass& current, std::size_t n, std::int64_t samples) const {
  double values = 0;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const auto all = static_cast<double>(terms_[t].event_values);
    if (current.masks[t] < 0) {
      values += all;
      continue;
    }
    const TensorView mask = current.program->fetched(current.masks[t]);
    const std::int64_t each = mask.samples() / samples;  // rows of an item
    const TensorView rows = mask.rows(static_cast<std::int64_t>(n) * each, each);
    values += all * math::sum(rows.data(), rows.count()) / static_cast<double>(rows.count());
  }
  return values;
}

Evaluator::Pass& Evaluator::pass(const std::string& wanted_split, bool with_ratios, const std::vector<Port>& watched) {
  const std::string split = has_splits(registry_, setting_.data) ? wanted_split : "";
  std::string key = fmt::format("{} {}", split, with_ratios);
  for (const Port& port : watched) key += " " + graph_->name_of(port);
  std::shared_ptr<Pass>& pass = passes_[key];
  if (pass) return *pass;
  auto fresh = std::make_shared<Pass>();
  fresh->split = split;
  const auto graph = with_ratios ? connect_draws(graph_, setting_.entries, registry_, terms_) : graph_;
  ProgramRequest request = request_for(*graph, with_ratios, *fresh);
  for (const Port& port : watched) request.fetch.push_back(graph->port(graph_->name_of(port), ErrorCode::bad_fetch));
  add_masks(*graph, request, *fresh);
  const auto source = open_split(registry_, setting_.data, split, setting_.card.get());
  std::vector<Port> wanted = request.terms;
  wanted.insert(wanted.end(), request.fetch.begin(), request.fetch.end());
  const FrontFeeds feeds = plan_front_feeds(*graph, store_, wanted, false, *source, setting_.cache);
  check_requests(feeds, source);
  request.feeds = feeds.ports;
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

Evaluation Evaluator::run(const EvaluationOptions& options, const std::vector<double>& weights) {
  if (Evaluator* without = without_large_terms(options)) {
    if (!without->terms_.empty()) return without->run(options, weights);
    Evaluation nothing;
    nothing.loss = std::numeric_limits<double>::quiet_NaN();
    return nothing;
  }
  Pass& current =
      pass(options.split, options.nll_samples > 0, options.metrics ? metrics_.ports() : std::vector<Port>());
  Sums sums;
  sums.terms.resize(terms_.size());
  sums.divergences.resize(terms_.size());
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
  const auto draws = static_cast<std::size_t>(std::max<std::int64_t>(1, options.nll_samples));
  sums.log_weights.assign(static_cast<std::size_t>(samples), LogMeanExp());
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const auto step = static_cast<std::uint32_t>(number * draws + draw);
    current.program->run({.feeds = feeds,
                          .weights = {},
                          .samples = samples,
                          .seed = setting_.seed ^ kSeedOffset,
                          .step = step,
                          .first_item = static_cast<std::int64_t>(number) * setting_.batch});
    if (draw == 0 && options.metrics) {
      std::vector<TensorView> values;
      for (std::size_t i = 0; i < current.watched; ++i) values.push_back(current.program->fetched(static_cast<int>(i)));
      metrics_.add(values);
    }
    for (std::size_t n = 0; n < static_cast<std::size_t>(samples); ++n) {
      double elbo = 0, log_weight = 0;
      if (draw == 0) {
        add_rates(current, n, sums);
        sums.values.add(values_there(current, n, samples));
      }
      for (std::size_t t = 0; t < terms_.size(); ++t) {
        const double value = current.program->term(static_cast<int>(t))[n];
        if (draw == 0) sums.terms[t].add(value);
        const int part = current.elbo_terms[t];
        if (part >= 0) elbo += static_cast<double>(current.program->term(part)[n]);
        if (draw == 0 && part >= static_cast<int>(terms_.size()))
          sums.divergences[t].add(static_cast<double>(current.program->term(part)[n]));
        if (terms_[t].role == Role::likelihood) log_weight -= value;
      }
      if (draw == 0) sums.elbo.add(elbo);
      if (options.nll_samples <= 0) continue;
      for (auto t = static_cast<std::size_t>(current.ratios); t < static_cast<std::size_t>(current.committed); ++t)
        log_weight -= static_cast<double>(current.program->term(static_cast<int>(t))[n]);
      sums.log_weights[n].add(log_weight);
      if (draw + 1 == draws) sums.nll.add(-sums.log_weights[n].value());
    }
  }
}

void Evaluator::add_rates(const Pass& current, std::size_t n, Sums& sums) const {
  const auto term = [&](int t) { return static_cast<double>(current.program->term(t)[n]); };
  double rate = 0, distortion = 0, committed = 0;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    if (terms_[t].role == Role::divergence) rate += term(current.elbo_terms[t]);
    if (terms_[t].role == Role::likelihood) distortion += term(current.elbo_terms[t]);
  }
  const int end = static_cast<int>(current.program->request().terms.size());
  for (int t = current.committed; t < end; ++t) committed += term(t);
  sums.rate.add(rate);
  sums.distortion.add(distortion);
  if (end > current.committed) sums.committed.add(committed);
}

Evaluation Evaluator::finish(const Pass& current, const EvaluationOptions& options, const Sums& sums,
                             const std::vector<double>& weights) {
  Evaluation result;
  result.split = current.split;
  result.data_hash = current.batches->source().hash();
  result.samples = sums.elbo.count;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    result.has_likelihood = result.has_likelihood || terms_[t].role == Role::likelihood;
    const double weight = weights[term_indices_[t]];
    if (weight != 0) result.loss += weight * sums.terms[t].mean();
  }
  if (result.has_likelihood) result.negative_elbo = sums.elbo.mean();
  add_evidence(options, sums, result);
  const auto add_term = [&](const std::string& name, double mean) {
    result.values.push_back({name, "terms", name, "nats", mean, {}, result.split, "", true});
  };
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    add_term(terms_[t].name, sums.terms[t].mean());
    if (const Moments& divergence = sums.divergences[t]; divergence.count > 0 && divergence.sum != sums.terms[t].sum)
      add_term(terms_[t].name + ".kl", divergence.mean());
  }
  if (!options.metrics) return result;
  const std::vector<MetricValue> measured = metrics_.finish(result.split);
  result.values.insert(result.values.end(), measured.begin(), measured.end());
  return result;
}

void Evaluator::add_evidence(const EvaluationOptions& options, const Sums& sums, Evaluation& result) const {
  const auto defined = [](bool is, double value) { return is ? OptionValue(value) : OptionValue(); };
  const bool likelihood = result.has_likelihood,
             divergence = std::ranges::find(terms_, Role::divergence, &LossTerm::role) != terms_.end();
  const double values = sums.values.mean();
  std::vector<MetricResult> results;
  results.push_back({"negative_elbo", defined(likelihood, result.negative_elbo), "", sums.elbo.standard_error()});
  results.push_back(
      {"bits_per_dim", defined(likelihood && values > 0, result.negative_elbo / (std::numbers::ln2 * values))});
  if (sums.nll.count > 0) {
    results.push_back({"nll", sums.nll.mean(), "", sums.nll.standard_error()});
    results.push_back({"nll_samples", options.nll_samples});
  }
  if (divergence) results.push_back({"rate", sums.rate.mean()});
  if (likelihood) results.push_back({"distortion", sums.distortion.mean()});
  if (sums.committed.count > 0) results.push_back({"committed_rate", sums.committed.mean()});
  result.values = described(evidence_contract(), std::move(results), "", result.split);
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

const Contract& evidence_contract() {
  static const Contract contract = [] {
    Contract c;
    c.summary(
        "The evidence lower bound and its parts: losses of role likelihood and divergence, without their weights");
    c.value("negative_elbo", "negative ELBO", "nats", "`rate + distortion`, mean per item. Kingma and Welling 2014")
        .curve();
    c.value("bits_per_dim", "bits per dimension", "bits",
            "`negative_elbo / (ln 2 x values of the targets)`; "
            "values under a mask of 0 do not count")
        .curve();
    c.value("nll", "negative log-likelihood", "nats",
            "-ln 1/K sum_k p(x, z_k) / q(z_k|x), K draws; in expectation at most `negative_elbo`. Burda et al. 2016");
    c.value("nll_samples", "draws per item", "", "K of `nll`");
    c.value("rate", "rate", "nats",
            "sum of the divergences, E KL(q(z|x) || p(z)), before free bits or a capacity, >= 0. Alemi et al. 2018")
        .curve();
    c.value("distortion", "distortion", "nats",
            "sum of the likelihoods, E_q[-ln p(x|z)], one draw per item. Alemi et al. 2018")
        .curve();
    c.value("committed_rate", "committed rate", "nats",
            "the lowest possible rate, if a divergence declares it (`ar1_kl`, `fixed_variance_kl`). Razavi et al. 2019")
        .curve();
    return c;
  }();
  return contract;
}

}  // namespace loom
