// The contract of a data set: a fixed number of items, each with one value per column, read by index.
//
//   class MyData final : public loom::Dataset {
//    public:
//     static void declare(loom::Contract& c);      // options (path, split, ...) and columns as outputs ("x", "label")
//     explicit MyData(const loom::Options& options);
//     ...
//   };
//   LOOM_DATASET(MyData, "my_data")
//
// Thread safety: after construction every method may be called from many threads at once.
// Errors: a wrong, truncated, corrupt or empty file throws Error E4xx that names the file, the byte offset where there
// is one, and what was expected.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/contract.h"
#include "graph/options.h"
#include "graph/registry.h"

namespace loom {

struct Column {
  std::string name;  // "x", "label", "factors"
  DType dtype = DType::f32;
  Shape event;  // shape of one item, without the batch axis
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  virtual std::vector<Column> columns() const = 0;
  // Writes item `index`, one view per column in the order of columns(), each with the column's event shape. Images and
  // sounds are scaled to what declare() documents (images: [0, 1]).
  virtual void read(std::int64_t index, std::span<const TensorView> out) const = 0;
  // A hash over the content (or over the recipe of procedural data): stated beside every figure measured on it.
  virtual std::string hash() const = 0;
  // Number of values each known factor of variation takes, for data with known factors ("factors" column); else empty.
  virtual std::vector<std::int64_t> factor_sizes() const { return {}; }
  // Of sounds, in Hz; 0 where the items are no sounds.
  virtual std::int64_t sample_rate() const { return 0; }
};

}  // namespace loom
