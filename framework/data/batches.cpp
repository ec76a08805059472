#include "data/batches.h"

#include <fmt/format.h>

#include <tbb/parallel_for.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "loom/dataset.h"
#include "loom/random.h"

namespace loom {
namespace {

constexpr double kLong = 50e-6;  // seconds: the time of an item from which on sharing the batch among threads pays

int column_index(const DataSource& source, const std::string& name) {
  const auto it = std::ranges::find(source.columns(), name, &Column::name);
  return it == source.columns().end() ? -1 : static_cast<int>(it - source.columns().begin());
}

Shape batched(std::int64_t samples, const Shape& event) {
  Shape shape{samples};
  for (std::int64_t extent : event.extents()) shape.push_back(extent);
  return shape;
}

}  // namespace

Batches::Batches(std::shared_ptr<const DataSource> source, std::vector<ColumnRequest> requests, std::int64_t batch,
                 std::uint64_t seed, bool shuffle, int prefetch, std::int64_t least)
    : source_(std::move(source)),
      requests_(std::move(requests)),
      batch_(batch),
      least_(shuffle ? 1 : least),
      items_(source_->size()),
      seed_(seed),
      shuffle_(shuffle) {
  if (batch < 1) throw Error(ErrorCode::out_of_range, fmt::format("a batch of {} samples", batch));
  for (const ColumnRequest& request : requests_) check(request);
  count_batches();
  prepare_reading();
  make_slots(std::max(1, prefetch) + 1);  // one more: the caller reads one while the worker fills the others
}

Batches::~Batches() { stop(); }

void Batches::count_batches() {
  const std::int64_t whole = items_ / batch_, rest = items_ % batch_;
  if (shuffle_)
    per_epoch_ = std::max<std::int64_t>(1, whole);
  else
    per_epoch_ = whole + (rest >= least_ || (rest > 0 && whole == 0) ? 1 : 0);
}

void Batches::restart(std::int64_t items) {
  seek(0);
  items_ = items > 0 ? std::min(items, source_->size()) : source_->size();
  count_batches();
}

void Batches::check(const ColumnRequest& request) const {
  if (request.column.empty() && request.dtype == DType::f32) return;
  Diagnostic finding;
  finding.where = request.where;
  const int index = column_index(*source_, request.column);
  if (index < 0) {
    std::vector<std::string> names;
    for (const Column& column : source_->columns()) names.push_back(column.name);
    finding.code = ErrorCode::data_shape;
    finding.message = fmt::format("the data set '{}' has no column '{}'", source_->name(), request.column);
    finding.suggestion = nearest_name(request.column, names);
    finding.expected = "one of " + joined(names);
    throw Error(std::move(finding));
  }
  const Column& column = source_->columns()[static_cast<std::size_t>(index)];
  const bool other_form = column.event.rank() == request.event.rank() && !(column.event == request.event);
  if (column.event.count() != request.event.count() || other_form) {
    finding.code = ErrorCode::data_shape;
    finding.message =
        fmt::format("the column '{}' of '{}' does not fit the graph's input", column.name, source_->name());
    finding.got = fmt::format("items of shape {}, {} values", column.event.text(), column.event.count());
    finding.expected = fmt::format("shape {}, {} values", request.event.text(), request.event.count());
    if (request.event.rank() == 3 && source_->card().options.contains("height"))
      finding.hint =
          fmt::format("the data options height={} and width={} resize the images", request.event[0], request.event[1]);
    throw Error(std::move(finding));
  }
  if (column.dtype != request.dtype) {
    finding.code = ErrorCode::dtype_mismatch;
    finding.message =
        fmt::format("the column '{}' of '{}' does not fit the graph's input", column.name, source_->name());
    finding.got = std::string(name_of(column.dtype));
    finding.expected = std::string(name_of(request.dtype));
    throw Error(std::move(finding));
  }
  if (request.by_graph) source_->require_known_classes(static_cast<std::size_t>(index));
  for (const ValueRange& range : request.ranges)
    source_->require_range(static_cast<std::size_t>(index), range, request.where);
}

// A column is read straight into the memory of the first request for it; requests after that copy it.
void Batches::prepare_reading() {
  for (const Column& column : source_->columns()) {
    const auto request = std::ranges::find(requests_, column.name, &ColumnRequest::column);
    const bool wanted = request != requests_.end();
    reader_.push_back(wanted ? static_cast<int>(request - requests_.begin()) : -1);
  }
  add_reader();
}

void Batches::add_reader() {
  Reader& reader = readers_.emplace_back();
  for (std::size_t c = 0; c < reader_.size(); ++c) {
    const Column& column = source_->columns()[c];
    const bool wanted = reader_[c] >= 0;
    reader.unused.push_back(wanted ? Tensor() : Tensor(column.dtype, column.event));
    reader.item.emplace_back(column.dtype, column.event, wanted ? nullptr : reader.unused.back().view().raw());
  }
}

void Batches::make_slots(int count) {
  slots_.resize(static_cast<std::size_t>(count));
  for (Slot& slot : slots_) {
    for (const ColumnRequest& request : requests_)
      slot.memory.emplace_back(request.dtype, batched(batch_ + least_ - 1, request.event));
    for (std::size_t r = 0; r < requests_.size(); ++r) {
      if (requests_[r].column.empty()) std::ranges::fill(slot.memory[r].values(), 1.0F);
    }
    slot.views.resize(requests_.size());
    slot.indices.resize(static_cast<std::size_t>(batch_ + least_ - 1));
  }
}

Batches::View Batches::next() {
  if (!worker_.joinable()) start();
  std::unique_lock lock(mutex_);
  if (holding_ && !slots_[static_cast<std::size_t>(consumed_) % slots_.size()].last()) {
    ++consumed_;
    holding_ = false;
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return produced_ > consumed_; });
  holding_ = true;
  const Slot& slot = slots_[static_cast<std::size_t>(consumed_) % slots_.size()];
  if (slot.error) std::rethrow_exception(slot.error);
  return {slot.samples, slot.views, {slot.indices.data(), static_cast<std::size_t>(slot.samples)}};
}

void Batches::seek(std::int64_t position) {
  stop();
  first_ = std::max<std::int64_t>(0, position);
  produced_ = consumed_ = 0;
  holding_ = false;
  for (Slot& slot : slots_) slot.error = nullptr;
}

void Batches::start() {
  stopping_ = false;
  worker_ = std::thread([this] { work(); });
}

void Batches::stop() {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

// Fills free slots in turn until it is stopped, the data ends or an item fails.
void Batches::work() {
  for (;;) {
    std::int64_t number = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock,
                    [&] { return stopping_ || produced_ - consumed_ < static_cast<std::int64_t>(slots_.size()); });
      if (stopping_) return;
      number = produced_;
    }
    Slot& slot = slots_[static_cast<std::size_t>(number) % slots_.size()];
    try {
      fill(first_ + number, slot);
    } catch (...) {
      slot.error = std::current_exception();
    }
    const bool last = slot.last();
    {
      const std::lock_guard lock(mutex_);
      ++produced_;
    }
    changed_.notify_all();
    if (last) return;
  }
}

void Batches::fill(std::int64_t position, Slot& slot) {
  choose_items(position, slot);
  for (std::size_t r = 0; r < requests_.size(); ++r) {
    slot.views[r] = {requests_[r].dtype, batched(slot.samples, requests_[r].event), slot.memory[r].view().raw()};
  }
  read_items(position, slot);
}

// The first batch is read by one thread, to see whether more would help.
void Batches::read_items(std::int64_t position, Slot& slot) {
  const auto draw = static_cast<std::uint32_t>(position);
  if (readers_.size() > 1) {
    tbb::parallel_for(std::size_t{0}, readers_.size(), [&](std::size_t r) {
      for (auto row = static_cast<std::int64_t>(r); row < slot.samples;
           row += static_cast<std::int64_t>(readers_.size()))
        read_item(row, draw, slot, readers_[r]);
    });
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t row = 0; row < slot.samples; ++row) read_item(row, draw, slot, readers_.front());
  if (std::exchange(measured_, true) || slot.samples == 0) return;
  const std::chrono::duration<double> each = (std::chrono::steady_clock::now() - start) / slot.samples;
  const auto threads = std::min<std::int64_t>(static_cast<std::int64_t>(std::thread::hardware_concurrency()), batch_);
  while (each.count() > kLong && static_cast<std::int64_t>(readers_.size()) < threads) add_reader();
}

void Batches::choose_items(std::int64_t position, Slot& slot) const {
  const std::int64_t size = items_;
  if (!shuffle_) {
    const std::int64_t first = position < per_epoch_ ? position * batch_ : size;
    slot.samples = position + 1 < per_epoch_ ? batch_ : size - first;
    for (std::int64_t n = 0; n < slot.samples; ++n) slot.indices[static_cast<std::size_t>(n)] = first + n;
    return;
  }
  static const std::uint32_t stream_number = stream_of("shuffle");
  const std::int64_t epoch = position / per_epoch_;
  const std::uint64_t key = RandomStream(seed_, stream_number, static_cast<std::uint32_t>(epoch)).value(0);
  const std::int64_t first = position % per_epoch_ * batch_;
  slot.samples = batch_;
  for (std::int64_t n = 0; n < batch_; ++n) {
    const auto place = static_cast<std::uint64_t>((first + n) % size);
    slot.indices[static_cast<std::size_t>(n)] =
        static_cast<std::int64_t>(permuted_index(place, static_cast<std::uint64_t>(size), key));
  }
}

void Batches::read_item(std::int64_t row, std::uint32_t draw, Slot& slot, Reader& reader) const {
  const auto place = [&](std::size_t request) {
    const std::size_t bytes =
        static_cast<std::size_t>(requests_[request].event.count()) * size_of(requests_[request].dtype);
    return std::span(static_cast<std::byte*>(slot.memory[request].view().raw()) + static_cast<std::size_t>(row) * bytes,
                     bytes);
  };
  for (std::size_t c = 0; c < reader.item.size(); ++c) {
    if (reader_[c] >= 0) reader.item[c].rebind(place(static_cast<std::size_t>(reader_[c])).data());
  }
  source_->read(slot.indices[static_cast<std::size_t>(row)], draw, reader.item, shuffle_);
  for (std::size_t r = 0; r < requests_.size(); ++r) {
    if (requests_[r].column.empty()) continue;  // written once
    const auto column = static_cast<std::size_t>(column_index(*source_, requests_[r].column));
    if (reader_[column] == static_cast<int>(r)) continue;
    std::memcpy(place(r).data(), reader.item[column].raw(), place(r).size());
  }
}

}  // namespace loom
