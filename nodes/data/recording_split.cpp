#include "recording_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "sound_files.h"

namespace loom {

RecordingSplit::RecordingSplit(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout,
                               bool by_time, const std::string& noun) {
  if (split == "all") {
    for (std::size_t r = 0; r < pieces.size(); ++r) add(r, 0, pieces[r]);
  } else if (by_time || pieces.size() == 1) {
    cut_time(split, pieces, holdout, noun);
  } else {
    cut_files(split, pieces, holdout, noun);
  }
}

void RecordingSplit::add(std::size_t recording, std::int64_t first, std::int64_t count) {
  if (count < 1) return;
  firsts_.push_back({recording, first});
  ends_.push_back(size() + count);
}

void RecordingSplit::cut_files(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout,
                               const std::string& noun) {
  const auto total = static_cast<std::int64_t>(pieces.size());
  if (total < holdout) {
    notice_ =
        fmt::format("there are {} {}s, fewer than holdout={}: one of them is held out for test", total, noun, holdout);
  }
  const Split order(split, total, std::min(holdout, total), 1);
  for (std::int64_t i = 0; i < order.size(); ++i) {
    const auto recording = static_cast<std::size_t>(order.item(i));
    add(recording, 0, pieces[recording]);
  }
}

void RecordingSplit::cut_time(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout,
                              const std::string& noun) {
  for (std::size_t r = 0; r < pieces.size(); ++r) {
    const std::int64_t held = std::max<std::int64_t>(pieces[r] / holdout, pieces[r] > 1 ? 1 : 0);
    if (split == "test")
      add(r, pieces[r] - held, held);
    else
      add(r, 0, pieces[r] - held);
    if (pieces.size() > 1) continue;
    notice_ = held == 0 ? fmt::format("there is one {} of one piece: nothing is held out for test", noun)
                        : fmt::format("there is one {}: the last {} of its {} {} held out for test", noun, held,
                                      counted(static_cast<std::size_t>(pieces[r]), "piece"), held == 1 ? "is" : "are");
  }
}

void RecordingSplit::add_to(ContentHash& hash) const {
  for (std::size_t run = 0; run < firsts_.size(); ++run) {
    hash.add(static_cast<std::int64_t>(firsts_[run].recording));
    hash.add(firsts_[run].number);
    hash.add(ends_[run]);
  }
}

Piece RecordingSplit::piece(std::int64_t index) const {
  const auto run = static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
  const std::int64_t begin = run == 0 ? 0 : ends_[run - 1];
  return {firsts_[run].recording, firsts_[run].number + index - begin};
}

}  // namespace loom
