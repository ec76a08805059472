// A .csv file (RFC 4180) that is written row by row: a header, numbers, texts in quotes where they need them.
//
// Thread safety: one thread. Errors: write_failed; without commit() nothing is left behind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generate/model_source.h"
#include "io/atomic_file.h"
#include "loom/dataset.h"

namespace loom::runner {

class CsvFile {
 public:
  CsvFile(const std::string& path, const std::vector<std::string>& header);

  void add(std::string_view text);
  void add(std::int64_t number);
  // Every value, in its shortest form that reads as the same f32; classes by their names, where the column has them; an empty
  // field where the mask is 0.
  void add(const TensorView& values, const Column& column, const TensorView& mask = {});
  void end_row();
  void commit();

 private:
  void add_field(std::string_view field);

  AtomicFile file_;
  std::string rows_;  // not written yet
  bool first_ = true;
};

// The header of a column's values: the names of its features, its name, or NAME[0], NAME[1], ...
std::vector<std::string> header_of(const Column& column);
// Values, [n, ...], with the column that they describe.
struct CsvColumn {
  Column column;
  TensorView values;
};
// One row per sample, the columns beside each other.
void write_csv(const std::string& path, const std::vector<CsvColumn>& columns);
// What a model shows, by the columns of its data card: that of the name, or x where the shape is that of x.
CsvColumn described(const ModelSource& model, const std::string& name, const TensorView& values);

}  // namespace loom::runner
