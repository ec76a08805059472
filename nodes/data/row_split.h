// Which rows of a table or an array are in a split, where rows that belong together stay together.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/dataset.h"

namespace loom {

// Numbers of groups from their names, in the order in which the names are met.
class GroupNumbers {
 public:
  void add(std::string_view name);
  std::vector<std::int64_t> take() { return std::move(of_rows_); }  // of each row

 private:
  std::map<std::string, std::int64_t, std::less<>> numbers_;
  std::vector<std::int64_t> of_rows_;
};

class RowSplit {
 public:
  RowSplit() = default;
  // `groups`: the number of each row's group; empty: every row is one of its own. One of `holdout` groups, of a
  // pseudo-random order, is held out for test. The groups of a split keep that order, and the rows of a group theirs; in
  // the split all, the rows keep theirs.
  RowSplit(const std::string& split, std::int64_t rows, std::int64_t holdout, const std::vector<std::int64_t>& groups);

  std::int64_t size() const { return rows_.empty() ? split_.size() : static_cast<std::int64_t>(rows_.size()); }
  std::int64_t item(std::int64_t index) const {
    return rows_.empty() ? split_.item(index) : rows_[static_cast<std::size_t>(index)];
  }
  // "" where every row is a group of its own.
  std::string group(std::int64_t index) const;

 private:
  Split split_;                       // of rows, or of groups
  std::vector<std::int64_t> rows_;    // of the split, where there are groups
  std::vector<std::int64_t> groups_;  // of these rows
};

}  // namespace loom
