#include "row_split.h"

namespace loom {

void GroupNumbers::add(std::string_view name) {
  auto it = numbers_.find(name);
  if (it == numbers_.end()) it = numbers_.emplace(name, static_cast<std::int64_t>(numbers_.size())).first;
  of_rows_.push_back(it->second);
}

RowSplit::RowSplit(const std::string& split, std::int64_t rows, std::int64_t holdout,
                   const std::vector<std::int64_t>& groups) {
  if (groups.empty()) {
    split_ = Split(split, rows, holdout, 1);
    return;
  }
  std::vector<std::vector<std::int64_t>> members;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto group = static_cast<std::size_t>(groups[static_cast<std::size_t>(row)]);
    if (group >= members.size()) members.resize(group + 1);
    members[group].push_back(row);
  }
  split_ = Split(split, static_cast<std::int64_t>(members.size()), holdout, 1);
  for (std::int64_t i = 0; i < split_.size(); ++i) {
    const std::vector<std::int64_t>& group = members[static_cast<std::size_t>(split_.item(i))];
    rows_.insert(rows_.end(), group.begin(), group.end());
  }
  if (split == "all") std::ranges::sort(rows_);
  for (const std::int64_t row : rows_) groups_.push_back(groups[static_cast<std::size_t>(row)]);
}

std::string RowSplit::group(std::int64_t index) const {
  return groups_.empty() ? "" : fmt::format("{}", groups_[static_cast<std::size_t>(index)]);
}

}  // namespace loom
