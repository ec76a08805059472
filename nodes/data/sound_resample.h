// A recording at another sample rate, converted with libsamplerate (its best sinc filter).
//
// It is converted in blocks of a fixed length, each with what stands around it in the recording, so that every sample
// depends on the recording, the two rates and its position alone: pieces have the same bits in whatever order, from
// whatever thread and in whatever length they are read, and a piece of a long recording costs no more than itself.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace loom {

// Frames [first, first + count) of a recording at its own rate, channels interleaved.
using FrameReader = std::function<std::vector<float>(std::int64_t first, std::int64_t count)>;

class RateChange {
 public:
  // Throws data_specification if the rates differ by more than libsamplerate converts (1 : 256).
  RateChange(std::int64_t from, std::int64_t to, std::int64_t channels);

  // The length of a recording of `frames` frames after conversion, rounded to the nearest frame.
  std::int64_t length(std::int64_t frames) const;
  // `count` frames from `first` on, both after conversion, of a recording of `frames` frames before it.
  std::vector<float> read(const FrameReader& source, std::int64_t frames, std::int64_t first, std::int64_t count) const;

 private:
  std::int64_t margin_of(std::int64_t number) const;  // in front of a block, in ratios
  // Block `number` of the recording, of which `there` has the frames from `there_from` on.
  std::vector<float> block(const std::vector<float>& there, std::int64_t there_from, std::int64_t number) const;

  std::int64_t down_, up_;  // `up_` frames after conversion for `down_` frames before it, exactly
  std::int64_t channels_;
  std::int64_t block_ratios_;  // the length of a block: this many times up_, down_
  std::int64_t margin_ratios_;
};

}  // namespace loom
