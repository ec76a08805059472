#include "train/front_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "graph/tape.h"
#include "io/npy.h"
#include "run/division.h"
#include "run/program.h"
#include "train/frozen_front.h"
#include "train/stored_column.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSmallColumn = 4096;                      // bytes per item: kept with the frontier
constexpr std::int64_t kBatchBytes = std::int64_t{64} << 20;     // bytes per batch of an extraction
constexpr std::int64_t kLargestBatch = 256, kAssumedLanes = 16;  // fixed: the values must not depend on the machine

std::string size_text(std::int64_t bytes) {
  const double kilobytes = static_cast<double>(bytes) / 1e3;
  return kilobytes < 1e3 ? fmt::format("{:.1f} kB", kilobytes) : fmt::format("{:.1f} MB", kilobytes / 1e3);
}

std::int64_t bytes_of(const ColumnRequest& request) {
  return request.event.count() * static_cast<std::int64_t>(size_of(request.dtype));
}

// Stored columns, and the columns of the data itself if they are also read.
class StoredData final : public Dataset {
 public:
  StoredData(std::vector<StoredColumn> stored, std::shared_ptr<const DataSource> base, bool reads_base)
      : stored_(std::move(stored)), base_(std::move(base)), reads_base_(reads_base) {}

  std::int64_t size() const override { return base_->size(); }
  std::vector<Column> columns() const override {
    std::vector<Column> columns;
    for (const StoredColumn& column : stored_) columns.push_back(column.column);
    if (reads_base_) columns.insert(columns.end(), base_->columns().begin(), base_->columns().end());
    return columns;
  }
  void read(std::int64_t index, std::span<const TensorView> out) const override {
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      const std::span<const std::byte> item = stored_[i].item(index);
      std::memcpy(out[i].raw(), item.data(), item.size());
    }
    if (reads_base_) base_->read(index, 0, out.subspan(stored_.size()));
  }
  std::string hash() const override { return base_->hash(); }
  std::vector<std::int64_t> factor_sizes() const override { return base_->factor_sizes(); }
  std::int64_t sample_rate() const override { return base_->sample_rate(); }

 private:
  std::vector<StoredColumn> stored_;
  std::shared_ptr<const DataSource> base_;
  bool reads_base_;
};

// The frontier of one split, computed if it is missing.
class Extraction {
 public:
  Extraction(const FrontFeeds& feeds, const BoundGraph& graph, const std::shared_ptr<const DataSource>& source,
             const DataEntry& data, const std::string& folder)
      : graph_(graph), source_(source) {
    const DataIdentity identity(data, *source);
    const auto files = [&](const ColumnRequest& request, const std::string& key) {
      return StoredFiles(folder, identity, request, key);
    };
    for (std::size_t i = 0; i < feeds.front.size(); ++i) {
      items_.push_back({files(feeds.stored[i], identity.key_of(*graph.graph, graph.store, feeds.front[i])),
                        feeds.front[i], feeds.stored[i]});
    }
    for (const ColumnRequest& request : feeds.direct.requests) {
      reads_base_ = reads_base_ || (!request.column.empty() && bytes_of(request) > kSmallColumn);
    }
    if (reads_base_) return;
    for (const ColumnRequest& request : feeds.direct.requests) {
      if (!request.column.empty()) items_.push_back({files(request, identity.key_of(request)), {}, request});
    }
  }

  std::shared_ptr<const DataSource> open() {
    std::vector<Item*> missing;
    for (Item& item : items_) {
      item.stored = item.files.open(source_->size());
      if (!item.stored) missing.push_back(&item);
    }
    if (!missing.empty()) make(missing);
    std::vector<StoredColumn> stored;
    for (Item& item : items_) stored.push_back(std::move(*item.stored));
    return std::make_shared<DataSource>(source_->name(), source_->split(),
                                        std::make_unique<StoredData>(std::move(stored), source_, reads_base_));
  }

 private:
  struct Item {
    StoredFiles files;
    Port port;  // invalid: a column of the data
    ColumnRequest request;
    std::optional<StoredColumn> stored = {};
  };

  void make(const std::vector<Item*>& missing) {
    std::string names;
    for (const Item* item : missing) names += (names.empty() ? "" : ", ") + item->request.column;
    spdlog::info("computing {} once for {} items{}", names, source_->size(),
                 source_->split().empty() ? "" : fmt::format(" of the split '{}'", source_->split()));
    std::vector<StoredWriter> writers;
    writers.reserve(missing.size());
    for (const Item* item : missing) writers.emplace_back(item->files, source_->size());
    run(missing, writers);
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      writers[i].commit();
      missing[i]->stored = missing[i]->files.open(source_->size());
      if (!missing[i]->stored)
        throw Error(ErrorCode::read_failed, fmt::format("{} cannot be read back", missing[i]->files.path()));
      missing[i]->files.remove_stale();
      bytes += source_->size() * bytes_of(missing[i]->request);
    }
    spdlog::info("kept in {}: {}", fs::path(missing.front()->files.path()).parent_path().string(), size_text(bytes));
  }

  // The ports of a batch, and the columns with them.
  void run(const std::vector<Item*>& missing, std::vector<StoredWriter>& writers) {
    ProgramRequest request;
    std::vector<ColumnRequest> columns;
    std::int64_t sample_bytes = 1;
    for (const Item* item : missing) {
      if (item->port.valid())
        request.fetch.push_back(item->port);
      else
        columns.push_back(item->request);
      sample_bytes += bytes_of(item->request);
    }
    const std::size_t beside = columns.size();
    const FeedPlan behind =
        request.fetch.empty() ? FeedPlan() : plan_feeds(*graph_.graph, request.fetch, false, source_->columns());
    columns.insert(columns.end(), behind.requests.begin(), behind.requests.end());
    for (const ColumnRequest& one : behind.requests) sample_bytes += bytes_of(one);
    request.feeds = behind.ports;
    request.batch = std::clamp<std::int64_t>(kBatchBytes / sample_bytes, 1, kLargestBatch);
    const std::int64_t batch_size = request.batch;
    std::unique_ptr<Program> program;
    if (!request.fetch.empty()) {
      TapeRequest tape;
      tape.feeds = request.feeds;
      tape.fetch = request.fetch;
      request.shard = choose_shard(*graph_.graph, record_tape(*graph_.graph, tape), false, request.batch,
                                   static_cast<int>(kAssumedLanes));
      program = std::make_unique<Program>(graph_.graph, graph_.store, graph_.executor, std::move(request));
    }
    Batches batches(source_, columns, batch_size, 0, false);
    for (std::uint32_t step = 0;; ++step) {
      const Batches::View batch = batches.next();
      if (batch.samples == 0) return;
      if (program)
        program->run({.feeds = batch.columns.subspan(beside),
                      .weights = {},
                      .samples = batch.samples,
                      .step = step,
                      .first_item = static_cast<std::int64_t>(step) * batch_size});
      int fetched = 0;
      std::size_t column = 0;
      for (std::size_t i = 0; i < missing.size(); ++i)
        writers[i].add(missing[i]->port.valid() ? program->fetched(fetched++) : batch.columns[column++]);
    }
  }

  const BoundGraph& graph_;
  std::shared_ptr<const DataSource> source_;
  std::vector<Item> items_;
  bool reads_base_ = false;
};

// The folder, or its nearest parent that exists.
fs::path existing_part(const std::string& folder) {
  fs::path path = fs::absolute(folder);
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

// At most half of the free space, including what the folder already uses: features can be much larger than the data.
bool has_room(const std::string& folder, std::int64_t bytes) {
  std::error_code problem;
  std::uintmax_t room = fs::space(existing_part(folder), problem).available;
  if (problem) return true;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
    std::error_code ignored;
    const std::uintmax_t size = entry.file_size(ignored);
    if (!ignored) room += size;
  }
  return static_cast<std::uintmax_t>(bytes) <= room / 2;
}

// "": the frontier can be kept.
std::string why_not_kept(const std::string& folder, std::int64_t bytes) {
  if (::access(existing_part(folder).c_str(), W_OK) != 0) return fmt::format("{} cannot be written to", folder);
  if (!has_room(folder, bytes)) return fmt::format("there is not enough space for {} in {}", size_text(bytes), folder);
  return "";
}

}  // namespace

std::vector<ColumnRequest> FrontFeeds::requests() const {
  std::vector<ColumnRequest> all = direct.requests;
  all.insert(all.end(), stored.begin(), stored.end());
  return all;
}

FrontFeeds plan_front_feeds(const Graph& graph, const ParameterStore& store, std::span<const Port> wanted,
                            bool training, const DataSource& source, const std::string& folder) {
  FrontFeeds feeds;
  if (!folder.empty() && !source.is_dynamic()) feeds.front = frozen_frontier(graph, store, wanted, training);
  std::int64_t bytes = 0;
  for (const Port& port : feeds.front) {
    feeds.stored.push_back(
        {graph.name_of(port), graph.dtype(port), graph.shape(port).event(), graph.node(port.node).where});
    bytes += bytes_of(feeds.stored.back()) * source.size();
  }
  if (const std::string reason = bytes > 0 ? why_not_kept(folder, bytes) : ""; !reason.empty()) {
    spdlog::warn("{}: frozen nodes are computed again for every batch", reason);
    feeds.front.clear();
    feeds.stored.clear();
  }
  feeds.direct = plan_feeds(graph, wanted, training, source.columns(), feeds.front);
  feeds.ports = feeds.direct.ports;
  if (feeds.front.empty()) return feeds;
  feeds.behind = plan_feeds(graph, feeds.front, false, source.columns());
  feeds.ports.insert(feeds.ports.end(), feeds.front.begin(), feeds.front.end());
  return feeds;
}

void check_requests(const FrontFeeds& feeds, const std::shared_ptr<const DataSource>& source) {
  for (const FeedPlan* plan : {&feeds.direct, &feeds.behind}) Batches(source, plan->requests, 1, 0, false, 1);
}

std::shared_ptr<const DataSource> open_front(const FrontFeeds& feeds, const BoundGraph& graph,
                                             const std::shared_ptr<const DataSource>& source, const DataEntry& data,
                                             const std::string& folder) {
  if (feeds.front.empty()) return source;
  return Extraction(feeds, graph, source, data, folder).open();
}

}  // namespace loom
