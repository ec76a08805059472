// Batches of a data source, prepared in advance by a worker thread.
//
// With shuffle, batch k is a pure function of (seed, k, batch): epoch e = k / batches_per_epoch() reads a permutation
// keyed by (seed, e), whose incomplete tail is dropped; data smaller than a batch repeats inside it. There is no end.
// Without shuffle the items are read in order once, the last batch is short, and all batches after it have 0 samples. A
// last batch of fewer than `least` items is joined to the one before it, which then has more than `batch`.
// Training can therefore resume at any step with seek(step), and continues as if it had never stopped.
//
// Items that take long to read (pictures and sounds that are decoded) are read by every core, beside the lanes of the
// training; each writes its own place in the batch, so the number of threads does not affect the values.
//
// Ownership: shares the source; the memory of a View belongs to Batches and is valid until the next next() or seek().
// Thread safety: one thread calls next() and seek(); the worker is internal.
// Errors: the constructor throws Error(data_shape) or Error(dtype_mismatch) for columns that do not fit, and
// Error(out_of_range) for values that the graph does not accept. If the worker fails to read an item, next() throws that
// error, until seek().
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "data/source.h"

namespace loom {

// A column as a graph requests it. The event may have a different shape from that in the data set if the counts agree.
struct ColumnRequest {
  std::string column;  // "": every value is 1, the mask of data without gaps
  DType dtype = DType::f32;
  Shape event;
  Location where;
  std::vector<ValueRange> ranges = {};  // that the graph's nodes accept
  bool by_graph = true;                 // whether a graph reads it: classes must be those of the run
};

class Batches {
 public:
  Batches(std::shared_ptr<const DataSource> source, std::vector<ColumnRequest> requests, std::int64_t batch,
          std::uint64_t seed, bool shuffle, int prefetch = 2, std::int64_t least = 1);
  ~Batches();
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  struct View {
    std::int64_t samples = 0;
    std::span<const TensorView> columns;    // one per request: [samples, ...event]
    std::span<const std::int64_t> indices;  // of the items in the data set
  };
  View next();
  void seek(std::int64_t position);  // next() gives batch `position`
  void restart(std::int64_t items);  // without shuffle: next() gives the first batch of so many items; 0: of all
  std::int64_t batches_per_epoch() const { return per_epoch_; }
  std::int64_t batch() const { return batch_; }
  const DataSource& source() const { return *source_; }

 private:
  struct Slot {
    std::vector<Tensor> memory;  // one per request, [batch, ...event]
    std::vector<TensorView> views;
    std::vector<std::int64_t> indices;
    std::int64_t samples = 0;
    std::exception_ptr error;
    bool last() const { return samples == 0 || error != nullptr; }
  };

  void count_batches();
  void check(const ColumnRequest& request) const;
  void prepare_reading();
  void add_reader();
  void make_slots(int count);
  void start();
  void stop();
  void work();
  void fill(std::int64_t position, Slot& slot);
  void choose_items(std::int64_t position, Slot& slot) const;
  // What one thread reads an item with.
  struct Reader {
    std::vector<Tensor> unused;    // per column of the source: its target if no request needs it
    std::vector<TensorView> item;  // per column of the source: the target of the current item
  };
  void read_items(std::int64_t position, Slot& slot);
  void read_item(std::int64_t row, std::uint32_t draw, Slot& slot, Reader& reader) const;

  std::shared_ptr<const DataSource> source_;
  std::vector<ColumnRequest> requests_;
  std::int64_t batch_, least_, items_ = 0, per_epoch_ = 0;
  std::uint64_t seed_;
  bool shuffle_;

  // Used only by the worker while it runs.
  std::vector<int> reader_;      // per column of the source: the request that it is read for, or -1
  std::vector<Reader> readers_;  // one; more where items take long to read
  bool measured_ = false;        // how long an item takes

  std::vector<Slot> slots_;
  std::int64_t first_ = 0;  // batch number of the first slot filled since the last seek

  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::int64_t produced_ = 0, consumed_ = 0;
  bool holding_ = false;  // the caller still uses slot consumed_
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace loom
