#include "runner/csv_file.h"
#include "runner/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace loom::runner {

constexpr std::size_t kBuffer = 1 << 16;  // bytes that are written at once

CsvFile::CsvFile(const std::string& path, const std::vector<std::string>& header) : file_(path) {
  for (const std::string& name : header) add(name);
  end_row();
}

void CsvFile::add_field(std::string_view field) {
  if (!first_) rows_ += ',';
  first_ = false;
  rows_ += field;
}

void CsvFile::add(std::string_view text) { add_field(csv_field(std::string(text))); }

void CsvFile::add(std::int64_t number) { add_field(fmt::format("{}", number)); }

void CsvFile::add(const TensorView& values, const Column& column, const TensorView& mask) {
  const auto count = static_cast<std::size_t>(values.count());
  for (std::size_t i = 0; i < count; ++i) {
    if (!mask.empty() && mask.data()[i] == 0) {
      add_field("");
      continue;
    }
    if (values.dtype() == DType::f32) {
      add_field(fmt::format("{}", values.data()[i]));
      continue;
    }
    const std::int32_t value = values.data<std::int32_t>()[i];
    const bool named = value >= 0 && static_cast<std::size_t>(value) < column.classes.size();
    if (named)
      add(column.classes[static_cast<std::size_t>(value)]);
    else
      add(static_cast<std::int64_t>(value));
  }
}

void CsvFile::end_row() {
  rows_ += "\r\n";
  first_ = true;
  if (rows_.size() < kBuffer) return;
  file_.write(rows_);
  rows_.clear();
}

void CsvFile::commit() {
  file_.write(rows_);
  file_.commit();
}

std::vector<std::string> header_of(const Column& column) {
  const std::int64_t count = column.event.count();
  if (static_cast<std::int64_t>(column.features.size()) == count && count > 0) return column.features;
  if (count == 1) return {column.name};
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(fmt::format("{}[{}]", column.name, i));
  return names;
}

void write_csv(const std::string& path, const std::vector<CsvColumn>& columns) {
  std::vector<std::string> header;
  for (const CsvColumn& one : columns) std::ranges::copy(header_of(one.column), std::back_inserter(header));
  CsvFile file(path, header);
  for (std::int64_t n = 0; n < columns.front().values.samples(); ++n) {
    for (const CsvColumn& one : columns) file.add(one.values.rows(n, 1), one.column);
    file.end_row();
  }
  file.commit();
}

CsvColumn described(const ModelSource& model, const std::string& name, const TensorView& values) {
  const std::string column = name.empty() ? "x" : name;
  const ColumnCard* card = model.card() ? model.card()->find(column) : nullptr;
  const bool fits =
      card != nullptr && card->column.dtype == values.dtype() && card->column.event.count() == values.per_sample();
  return {fits ? card->column : Column{column, values.dtype(), values.shape().event()}, values};
}

}  // namespace loom::runner
