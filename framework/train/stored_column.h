// One column of the front cache on disk: its key, its two files, and their reading and writing.
//
// Internal to front_cache.cpp. Ownership: values; a StoredColumn keeps its file mapped. Thread safety: reading an item
// may happen on many threads, the rest on one. Errors: write_failed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/batches.h"
#include "graph/graph.h"
#include "io/atomic_file.h"
#include "io/npy.h"
#include "loom/dataset.h"
#include "run/parameter_store.h"

namespace loom {

// What the values depend on beside the graph: the data set, its options and its content.
class DataIdentity {
 public:
  DataIdentity(const DataEntry& entry, const DataSource& source);

  const std::string& split() const { return split_; }  // "all" where there is none
  const std::string& hash() const { return hash_; }
  std::string key_of(const Graph& graph, const ParameterStore& store, Port port) const;
  std::string key_of(const ColumnRequest& column) const;

 private:
  std::string split_, hash_;
};

struct StoredColumn {
  Column column;
  MappedFile file;
  NpyHeader header;

  std::span<const std::byte> item(std::int64_t index) const;
};

class StoredFiles {
 public:
  StoredFiles(const std::string& folder, const DataIdentity& data, ColumnRequest request, std::string key);

  const std::string& path() const { return path_; }  // of the .npy; the other is path + ".json"
  const ColumnRequest& request() const { return request_; }
  // Nothing where it is not there. A corrupt one is removed, with a warning.
  std::optional<StoredColumn> open(std::int64_t items) const;
  void describe(std::uint32_t checksum) const;  // writes the .json
  // Removes what other weights made of the same data, and what killed processes left.
  void remove_stale() const;

 private:
  std::string folder_, prefix_, path_, key_, data_;
  ColumnRequest request_;
};

// Writes a column batch by batch; without commit() nothing is left behind.
class StoredWriter {
 public:
  StoredWriter(const StoredFiles& files, std::int64_t items);
  void add(const TensorView& rows);
  void commit();

 private:
  const StoredFiles* files_;
  std::unique_ptr<AtomicFile> file_;
  std::uint32_t checksum_ = 0;
};

}  // namespace loom
