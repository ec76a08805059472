// Splits of data that comes without any: every n-th place of a pseudo-random order is held out for `test`.
#pragma once

#include <cstdint>
#include <string>

#include "core/random.h"
#include "graph/contract.h"

namespace loom::data {

inline void declare_split(Contract& c, const std::string& rule) {
  c.option("split", "train", text({"train", "test", "all"}), "which items: " + rule);
}

// The order is keyed by `seed` alone, so train and test of the same seed never share an item. `all` keeps the natural
// order, and a holdout of 0 leaves everything in train.
class Split {
 public:
  Split() = default;
  Split(const std::string& name, std::int64_t total, std::int64_t holdout, std::uint64_t seed)
      : total_(total),
        holdout_(holdout),
        kind_(name == "train"  ? Kind::train
              : name == "test" ? Kind::test
                               : Kind::all),
        key_(RandomStream(seed, stream_of("split"), 0).value(0)) {}

  std::int64_t size() const {
    const std::int64_t held = holdout_ > 0 ? total_ / holdout_ : 0;
    return kind_ == Kind::all ? total_ : kind_ == Kind::test ? held : total_ - held;
  }
  // The item of the whole data that is number `index` of this split.
  std::int64_t item(std::int64_t index) const {
    if (kind_ == Kind::all) return index;
    std::int64_t place = index;
    if (kind_ == Kind::test)
      place = index * holdout_ + holdout_ - 1;
    else if (holdout_ > 1)
      place = index + index / (holdout_ - 1);
    // Where total is no multiple of holdout, the places after the last held-out one are all of train.
    return static_cast<std::int64_t>(
        permuted_index(static_cast<std::uint64_t>(place), static_cast<std::uint64_t>(total_), key_));
  }

 private:
  enum class Kind { train, test, all };
  std::int64_t total_ = 0, holdout_ = 0;
  Kind kind_ = Kind::all;
  std::uint64_t key_ = 0;
};

}  // namespace loom::data
