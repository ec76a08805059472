// Labels in file names: "{digit}_{speaker}_{take}" read from 7_theo_12.wav.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/dataset.h"

namespace loom {

class NameFields {
 public:
  NameFields() = default;
  // `pattern` is fields in braces with text between them; every file's name without its folder and ending must fit it.
  // The values of a field are numbered in their order, numbers by size. Throws data_specification for a bad pattern,
  // data_wrong_format for a name that does not fit.
  NameFields(const std::string& pattern, const std::vector<std::string>& files);

  // One i32 column a field.
  std::vector<Column> columns() const;
  bool has(const std::string& field) const;
  std::size_t count() const { return fields_.size(); }
  std::int32_t code(std::size_t file, std::size_t field) const { return codes_[file * fields_.size() + field]; }

 private:
  std::vector<std::string> fields_;
  std::vector<std::vector<std::string>> values_;  // of each field, in the order of their numbers
  std::vector<std::int32_t> codes_;               // [file, field]
};

}  // namespace loom
