#include "generate/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace loom {

namespace {

// The places of ports among the feeds, which they join if they are not among them yet.
std::vector<std::size_t> places_of(const std::vector<Port>& ports, std::vector<Port>& feeds) {
  std::vector<std::size_t> places;
  for (const Port& port : ports) {
    const auto fed = std::ranges::find(feeds, port);
    places.push_back(static_cast<std::size_t>(fed - feeds.begin()));
    if (fed == feeds.end()) feeds.push_back(port);
  }
  return places;
}

}  // namespace

Pass::Pass(const ModelSource& model, Executor& executor, PassRequest request)
    : graph_(std::move(request.graph)),
      weights_(std::move(request.weights)),
      fetch_(request.fetch),
      batch_(request.batch) {
  ProgramRequest asked;
  asked.feeds = std::move(request.feeds);
  const BoundGraph bound{graph_, *weights_, executor};
  if (request.entry != nullptr && !request.entry->iterations.empty()) {
    iteration_ = std::make_unique<IterationSampler>(*request.rewrite, bound, *request.entry, batch_, asked.feeds);
    iterated_ = places_of(iteration_->ports(), asked.feeds);
  }
  if (request.entry != nullptr && !request.entry->autoregressions.empty()) {
    ancestral_ = std::make_unique<AncestralSampler>(*request.rewrite, bound, *request.entry, batch_, asked.feeds,
                                                    request.incremental);
    for (const std::string& obstacle : ancestral_->obstacles())
      model.notice(fmt::format("each position needs a run of the whole graph, because of {}", obstacle));
    drawn_ = places_of(ancestral_->inputs(), asked.feeds);  // one that is fed, too, is given in part
  }
  asked.fetch = std::move(request.fetch);
  asked.batch = batch_;
  program_ = std::make_unique<Program>(graph_, *weights_, executor, std::move(asked));
}

void Pass::fill(const std::vector<TensorView>& values, const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (places[i] < fed_.size())
      fed_[places[i]] = values[i];
    else
      fed_.push_back(values[i]);
  }
}

void Pass::run(std::span<const TensorView> feeds, std::int64_t samples, std::uint64_t seed, std::uint32_t step,
               std::span<const std::int64_t> starts, std::int64_t first_item) {
  StepInput input{.feeds = feeds,
                  .weights = {},
                  .samples = samples,
                  .seed = seed,
                  .step = step,
                  .first_item = first_item,
                  .starts = starts};
  fed_.assign(feeds.begin(), feeds.end());
  if (iteration_) fill(iteration_->draw(input), iterated_);
  const std::vector<TensorView> known = fed_;
  input.feeds = known;
  if (ancestral_) fill(ancestral_->draw(input), drawn_);
  input.feeds = fed_;
  program_->run(input);
}

std::vector<Tensor> Pass::run_all(std::span<const TensorView> feeds, std::int64_t samples, std::uint64_t seed) {
  std::vector<Tensor> results;
  for (const Port& port : fetch_) results.emplace_back(graph_->dtype(port), graph_->shape(port).at_batch(samples));
  std::vector<std::size_t> written(results.size(), 0);
  std::uint32_t step = 0;
  for (std::int64_t done = 0; done < samples; ++step) {
    const std::int64_t count = std::min(batch_, samples - done);
    std::vector<TensorView> rows;
    for (const TensorView& feed : feeds) {
      const std::int64_t each = feed.samples() / samples;
      rows.push_back(feed.rows(done * each, count * each));
    }
    run(rows, count, seed, step, {}, done);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const TensorView part = fetched(static_cast<int>(i));
      std::memcpy(static_cast<std::byte*>(results[i].view().raw()) + written[i], part.raw(), part.bytes());
      written[i] += part.bytes();
    }
    done += count;
  }
  return results;
}

}  // namespace loom
