#include "measure/encode.h"

#include <algorithm>
#include <cstring>

#include "loom/error.h"
#include "loom/random.h"
#include "run/program.h"
#include "train/feeds.h"

namespace loom::measure {
namespace {

constexpr std::uint64_t kEncodeStream = 0x6D656173;  // different noise from that of training

void copy_rows(const TensorView& from, std::int64_t first, std::int64_t rows, Tensor& to) {
  const TensorView part = from.rows(0, rows);
  std::memcpy(to.view().rows(first, rows).raw(), part.raw(), part.bytes());
}

const Column& column_of(const DataSource& source, const std::string& name) {
  const auto column = std::ranges::find(source.columns(), name, &Column::name);
  if (column == source.columns().end()) throw Error(ErrorCode::data_shape, "the data has no column '" + name + "'");
  return *column;
}

// The first `count` rows of a pseudo-random order of all rows.
std::vector<Tensor> shuffled(const std::vector<Tensor>& all, std::int64_t count, std::uint64_t seed) {
  const std::uint64_t key = RandomStream(seed, stream_of("shuffle"), 0).value(0);
  std::vector<Tensor> chosen;
  for (const Tensor& tensor : all) {
    Shape shape = tensor.shape();
    const auto rows = static_cast<std::uint64_t>(shape[0]);
    shape[0] = count;
    Tensor& to = chosen.emplace_back(tensor.dtype(), shape);
    for (std::int64_t row = 0; row < count; ++row) {
      const auto from = static_cast<std::int64_t>(permuted_index(static_cast<std::uint64_t>(row), rows, key));
      copy_rows(tensor.view().rows(from, 1), row, 1, to);
    }
  }
  return chosen;
}

}  // namespace

std::vector<Tensor> encode(const Subject& subject, const Items& items, std::span<const Port> ports,
                           const std::vector<std::string>& columns) {
  const std::int64_t size = items.source->size(), count = std::min(items.count, size);
  const std::int64_t batch = std::max<std::int64_t>(1, std::min(items.batch, count));
  if (items.shuffle && count > size / batch * batch) {
    Items all = items;  // shuffled batches would leave the last ones out
    all.count = size;
    all.shuffle = false;
    return shuffled(encode(subject, all, ports, columns), count, items.seed);
  }
  FeedPlan feeds = plan_feeds(*subject.graph, ports, false, items.source->columns());
  const std::size_t fed = feeds.requests.size();
  for (const std::string& name : columns) {
    const Column& column = column_of(*items.source, name);
    feeds.requests.push_back({name, column.dtype, column.event, {}});
  }
  ProgramRequest request;
  request.feeds = feeds.ports;
  request.fetch.assign(ports.begin(), ports.end());
  request.batch = batch;
  Program program(subject.graph, subject.store, subject.executor, std::move(request));
  Batches batches(items.source, feeds.requests, batch, items.seed, items.shuffle);

  std::vector<Tensor> values;
  for (const Port& port : ports)
    values.emplace_back(subject.graph->dtype(port), subject.graph->shape(port).at_batch(count));
  for (std::size_t c = fed; c < feeds.requests.size(); ++c) {
    Shape shape{count};
    for (const std::int64_t extent : feeds.requests[c].event.extents()) shape.push_back(extent);
    values.emplace_back(feeds.requests[c].dtype, shape);
  }
  for (std::int64_t done = 0, step = 0; done < count; ++step) {
    const Batches::View view = batches.next();
    const std::int64_t samples = std::min(view.samples, count - done);
    std::vector<TensorView> inputs;
    for (std::size_t i = 0; i < fed; ++i) inputs.push_back(view.columns[i].rows(0, samples));
    program.run({.feeds = inputs,
                 .weights = {},
                 .samples = samples,
                 .seed = items.seed ^ kEncodeStream,
                 .step = static_cast<std::uint32_t>(step),
                 .first_item = items.shuffle ? -1 : done});
    for (std::size_t p = 0; p < ports.size(); ++p)
      copy_rows(program.fetched(static_cast<int>(p)), done, samples, values[p]);
    for (std::size_t c = fed; c < view.columns.size(); ++c)
      copy_rows(view.columns[c], done, samples, values[ports.size() + c - fed]);
    done += samples;
  }
  return values;
}

}  // namespace loom::measure
