#include "measure/shuffle.h"

#include <algorithm>

#include "loom/random.h"
#include "run/program.h"
#include "train/feeds.h"

namespace loom::measure {
namespace {

constexpr std::uint64_t kStreamOffset = 0x73687566;  // other noise than training's

// Row pi(n) of `from` into row n: pi is one cycle, so that no row stays.
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

}  // namespace

std::optional<ShuffleChange> shuffle_change(const Subject& subject, const Items& items, const Posterior& posterior,
                                            const std::vector<LossTerm>& terms) {
  if (!posterior.drawn.valid()) return std::nullopt;
  ProgramRequest draw, decode;
  for (const LossTerm& term : terms)
    if (term.role == Role::likelihood && term.in_evaluation) decode.terms.push_back(term.port);
  const std::int64_t count = std::min(items.count, items.source->size());
  if (decode.terms.empty() || count < 2) return std::nullopt;

  const Graph& graph = *subject.graph;
  std::vector<Port> all = decode.terms;
  all.push_back(posterior.drawn);
  FeedPlan feeds = plan_feeds(graph, all, false, items.source->columns());
  draw.fetch = {posterior.drawn};
  const FeedPlan draw_feeds = plan_feeds(graph, draw.fetch, false, items.source->columns());
  draw.feeds = draw_feeds.ports;
  const std::vector<Port> given = {posterior.drawn};
  const FeedPlan decode_feeds = plan_feeds(graph, decode.terms, false, items.source->columns(), given);
  decode.feeds = decode_feeds.ports;
  decode.feeds.push_back(posterior.drawn);
  draw.batch = decode.batch = std::min(items.batch, count);
  const std::int64_t batch = draw.batch;
  const std::vector<Port> ports = feeds.ports;
  Program draws(subject.graph, subject.store, subject.executor, std::move(draw));
  Program decoder(subject.graph, subject.store, subject.executor, std::move(decode));
  Batches batches(items.source, std::move(feeds.requests), batch, items.seed, items.shuffle);

  Tensor shuffled(graph.dtype(posterior.drawn), graph.shape(posterior.drawn).at_batch(batch));
  double own = 0, others = 0;
  std::int64_t done = 0;
  for (std::uint32_t step = 0; done < count; ++step) {
    const Batches::View view = batches.next();
    const std::int64_t samples = std::min(view.samples, count - done);
    if (samples < 2) break;  // nothing to exchange with
    const auto columns_of = [&](const std::vector<Port>& wanted) {
      std::vector<TensorView> columns;
      for (const Port& port : wanted) {
        const auto index = std::ranges::find(ports, port) - ports.begin();
        columns.push_back(view.columns[static_cast<std::size_t>(index)].rows(0, samples));
      }
      return columns;
    };
    const std::uint64_t seed = items.seed ^ kStreamOffset;
    draws.run({.feeds = columns_of(draw_feeds.ports), .weights = {}, .samples = samples, .seed = seed, .step = step});
    std::vector<TensorView> inputs = columns_of(decode_feeds.ports);
    inputs.push_back(draws.fetched(0));
    decoder.run({.feeds = inputs, .weights = {}, .samples = samples, .seed = seed, .step = step});
    own += sum_of_terms(decoder, samples);
    const TensorView rows = shuffled.view().rows(0, samples);
    copy_cycled(draws.fetched(0), samples, RandomStream(seed, stream_of("measure/shuffle"), step).value(0), rows);
    inputs.back() = rows;
    decoder.run({.feeds = inputs, .weights = {}, .samples = samples, .seed = seed, .step = step});
    others += sum_of_terms(decoder, samples);
    done += samples;
  }
  if (done == 0) return std::nullopt;
  return ShuffleChange{(others - own) / static_cast<double>(done), done};
}

}  // namespace loom::measure
