// Which pieces of recordings are in a split.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/dataset.h"

namespace loom {

struct Piece {
  std::size_t recording;
  std::int64_t number;  // in the recording
};

class RecordingSplit {
 public:
  RecordingSplit() = default;
  // `pieces`: how many each recording has, at least one. `split` is train, test or all.
  //   by file: every holdout-th recording of a pseudo-random order is held out whole; one of them if there are fewer
  //   by time: the last 1/holdout of the pieces of every recording is held out, at least one piece where there are two
  // A single recording is always cut by time. The recordings of a split keep their pseudo-random order, by file; their
  // pieces follow each other.
  RecordingSplit(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout, bool by_time,
                 const std::string& noun = "recording");  // noun: what notices call a file

  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  Piece piece(std::int64_t index) const;
  void add_to(ContentHash& hash) const;
  // How the split differs from every holdout-th recording; "" if it does not.
  const std::string& notice() const { return notice_; }

 private:
  void add(std::size_t recording, std::int64_t first, std::int64_t count);
  void cut_files(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout,
                 const std::string& noun);
  void cut_time(const std::string& split, const std::vector<std::int64_t>& pieces, std::int64_t holdout,
                const std::string& noun);

  std::vector<Piece> firsts_;       // the first piece of each recording in the split
  std::vector<std::int64_t> ends_;  // the number of pieces up to the end of each
  std::string notice_;
};

}  // namespace loom
