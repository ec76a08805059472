// Which rows are held out for test: one of every `holdout` rows, at a pseudo-random position among them, so that the
// part of a row is known without reading the others. The rows after the last complete group all belong to train.
#pragma once

#include <cstdint>
#include <string>

#include <loom/random.h>

namespace table {

class Split {
 public:
  Split(const std::string& name, std::int64_t total, std::int64_t holdout)
      : total_(total), holdout_(holdout), test_(name == "test"), all_(name == "all") {}

  std::int64_t size() const { return all_ ? total_ : test_ ? total_ / holdout_ : total_ - total_ / holdout_; }

  // The row that is number `index` of this split.
  std::int64_t item(std::int64_t index) const {
    if (all_) return index;
    if (test_) return index * holdout_ + held_out_of(index);
    const std::int64_t group = index / (holdout_ - 1), place = index % (holdout_ - 1);
    if (group >= total_ / holdout_) return index + total_ / holdout_;
    return group * holdout_ + place + (place >= held_out_of(group) ? 1 : 0);
  }

  bool holds(std::int64_t row) const {
    const std::int64_t group = row / holdout_;
    const bool is_test = group < total_ / holdout_ && row % holdout_ == held_out_of(group);
    return all_ || is_test == test_;
  }

 private:
  std::int64_t held_out_of(std::int64_t group) const {
    static const loom::RandomStream stream(1, loom::stream_of("table split"), 0);
    return static_cast<std::int64_t>(stream.value(static_cast<std::uint32_t>(group)) %
                                     static_cast<std::uint64_t>(holdout_));
  }

  std::int64_t total_, holdout_;
  bool test_, all_;
};

}  // namespace table
