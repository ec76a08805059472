#include "measure/shuffle.h"

#include <algorithm>
#include <optional>

#include "loom/random.h"
#include "run/program.h"
#include "train/feeds.h"

namespace loom::measure {
namespace {

constexpr std::uint64_t kShuffleStream = 0x73687566;  // different noise from that of training

// Copies row pi(n) of `from` to row n: pi is one cycle, so no row keeps its position.
void copy_cycled(const TensorView& from, std::int64_t samples, std::uint64_t key, const TensorView& to) {
  const auto count = static_cast<std::uint64_t>(samples);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto here = static_cast<std::int64_t>(permuted_index(i, count, key));
    const auto next = static_cast<std::int64_t>(permuted_index((i + 1) % count, count, key));
    std::ranges::copy(from[next], to[here].begin());
  }
}

double sum_of_terms(const Program& program, std::int64_t samples) {
  double sum = 0;
  for (std::size_t t = 0; t < program.request().terms.size(); ++t)
    for (std::int64_t n = 0; n < samples; ++n)
      sum += static_cast<double>(program.term(static_cast<int>(t))[static_cast<std::size_t>(n)]);
  return sum;
}

struct ShuffleChange {
  double nats = 0;  // per sample
  std::int64_t samples = 0;
};

// Draws the latent variable of a batch, and decodes given draws.
class Shuffler {
 public:
  Shuffler(const Subject& subject, const Items& items, const Posterior& posterior, std::vector<Port> likelihoods)
      : graph_(*subject.graph), seed_(items.seed ^ kShuffleStream) {
    const std::vector<Column>& columns = items.source->columns();
    const std::vector<Port> drawn = {posterior.drawn};
    std::vector<Port> all = likelihoods;
    all.push_back(posterior.drawn);
    FeedPlan feeds = plan_feeds(graph_, all, false, columns);
    ports_ = feeds.ports;
    draw_ports_ = plan_feeds(graph_, drawn, false, columns).ports;
    decode_ports_ = plan_feeds(graph_, likelihoods, false, columns, drawn).ports;
    ProgramRequest draw, decode;
    draw.batch = decode.batch = std::min({items.batch, items.count, items.source->size()});
    draw.feeds = draw_ports_;
    draw.fetch = drawn;
    decode.feeds = decode_ports_;
    decode.feeds.push_back(posterior.drawn);
    decode.terms = std::move(likelihoods);
    shuffled_ = Tensor(graph_.dtype(posterior.drawn), graph_.shape(posterior.drawn).at_batch(draw.batch));
    batches_.emplace(items.source, std::move(feeds.requests), draw.batch, items.seed, items.shuffle);
    draws_.emplace(subject.graph, subject.store, subject.executor, std::move(draw));
    decoder_.emplace(subject.graph, subject.store, subject.executor, std::move(decode));
  }

  // Sums of -ln p(x|z) over the next batch of at most `most` items: with the items' own draws, and with those of
  // other items. Nothing if there are fewer than two items.
  std::optional<std::pair<double, double>> next(std::int64_t most, std::int64_t& samples) {
    const Batches::View view = batches_->next();
    samples = std::min(view.samples, most);
    if (samples < 2) return std::nullopt;
    draws_->run(input(columns(view, draw_ports_, samples), samples));
    std::vector<TensorView> feeds = columns(view, decode_ports_, samples);
    feeds.push_back(draws_->fetched(0));
    decoder_->run(input(feeds, samples));
    const double own = sum_of_terms(*decoder_, samples);
    feeds.back() = shuffled_.view().rows(0, samples);
    copy_cycled(draws_->fetched(0), samples, RandomStream(seed_, stream_of("measure/shuffle"), step_).value(0),
                feeds.back());
    decoder_->run(input(feeds, samples));
    ++step_;
    return std::pair{own, sum_of_terms(*decoder_, samples)};
  }

 private:
  std::vector<TensorView> columns(const Batches::View& view, const std::vector<Port>& wanted, std::int64_t samples) {
    std::vector<TensorView> columns;
    for (const Port& port : wanted)
      columns.push_back(
          view.columns[static_cast<std::size_t>(std::ranges::find(ports_, port) - ports_.begin())].rows(0, samples));
    return columns;
  }
  StepInput input(std::span<const TensorView> feeds, std::int64_t samples) const {
    return {.feeds = feeds, .weights = {}, .samples = samples, .seed = seed_, .step = step_};
  }

  const Graph& graph_;
  std::uint64_t seed_;
  std::uint32_t step_ = 0;
  std::vector<Port> ports_, draw_ports_, decode_ports_;
  Tensor shuffled_;
  std::optional<Batches> batches_;
  std::optional<Program> draws_, decoder_;
};

std::optional<ShuffleChange> change_of(const Subject& subject, const Items& items, const Posterior& posterior,
                                       const std::vector<LossTerm>& terms) {
  std::vector<Port> likelihoods;
  for (const LossTerm& term : terms)
    if (term.role == LossRole::likelihood && term.in_evaluation) likelihoods.push_back(term.port);
  const std::int64_t count = std::min(items.count, items.source->size());
  if (!posterior.drawn.valid() || likelihoods.empty() || count < 2) return std::nullopt;
  Shuffler shuffler(subject, items, posterior, std::move(likelihoods));
  double own = 0, others = 0;
  std::int64_t done = 0, samples = 0;
  while (done < count) {
    const auto sums = shuffler.next(count - done, samples);
    if (!sums) break;
    own += sums->first;
    others += sums->second;
    done += samples;
  }
  if (done == 0) return std::nullopt;
  return ShuffleChange{(others - own) / static_cast<double>(done), done};
}

}  // namespace

std::vector<MetricValue> shuffle_change(const Subject& subject, const Items& items, const Posterior& posterior,
                                        const std::vector<LossTerm>& terms, const std::string& split) {
  const std::optional<ShuffleChange> change = change_of(subject, items, posterior, terms);
  return described(shuffle_contract(),
                   {{"shuffled_z_change", change ? OptionValue(change->nats) : OptionValue()},
                    {"shuffled_z_samples", change ? change->samples : std::int64_t{0}}},
                   "latents/" + posterior.name, split);
}

const Contract& shuffle_contract() {
  static const Contract contract = [] {
    Contract c;
    c.summary("How much the likelihood depends on the latent variable");
    c.value("shuffled_z_change", "z shuffled: change", "nats",
            "change of the distortion when each item is decoded from the draw of another item of its batch; 0: the "
            "decoder ignores z");
    c.value("shuffled_z_samples", "items shuffled", "", "up to 1,000");
    return c;
  }();
  return contract;
}

}  // namespace loom::measure
