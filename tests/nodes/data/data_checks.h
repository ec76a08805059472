// What the tests of data sets share: sources made from options, whole items, files with given bytes, expected errors.
#pragma once

#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "check/standard_registry.h"
#include "data/source.h"
#include "train/scratch_folder.h"

namespace loom::check {

using OptionList = std::vector<std::pair<std::string, OptionValue>>;

inline DataEntry data_entry(const std::string& type, const OptionList& options) {
  DataEntry entry;
  entry.type = type;
  entry.where = {"model.yaml", 7, 3};
  for (const auto& [name, value] : options) entry.options[name] = {value, {"model.yaml", 8, 5}};
  return entry;
}
inline DataSource open_data(const std::string& type, const OptionList& options) {
  return {standard_registry(), data_entry(type, options)};
}

// One item, column by column.
struct Item {
  std::vector<Tensor> columns;
  Item(const DataSource& source, std::int64_t index, std::uint32_t draw = 0) {
    std::vector<TensorView> views;
    for (const Column& column : source.columns()) {
      columns.emplace_back(column.dtype, column.event);
      views.push_back(columns.back());
    }
    source.read(index, draw, views);
  }
  std::vector<float> floats(std::size_t column = 0) const {
    const auto values = columns[column].values();
    return {values.begin(), values.end()};
  }
  std::vector<std::int32_t> integers(std::size_t column) const {
    const auto values = columns[column].values<std::int32_t>();
    return {values.begin(), values.end()};
  }
};

// Whether one of the texts has the part.
inline bool mentions(const std::vector<std::string>& texts, const std::string& part) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(part) != text.npos; });
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_gzip(const std::string& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

// Calls `action`, which must throw an Error of this code whose text has every part.
template <class Action>
void check_error(ErrorCode code, const std::vector<std::string>& parts, Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    BOOST_TEST(error_name(error.code()) == error_name(code), text);
    for (const std::string& part : parts)
      BOOST_TEST(text.find(part) != std::string::npos, "'" << part << "' is not in: " << text);
    return;
  }
  BOOST_ERROR("no error " << error_name(code));
}

}  // namespace loom::check
