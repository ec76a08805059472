#include "sound_resample.h"

#include <fmt/format.h>
#include <samplerate.h>

#include <algorithm>
#include <numeric>

#include "loom/error.h"

namespace loom {
namespace {

constexpr std::int64_t kBlock = 4096;  // frames after conversion, at least
constexpr std::int64_t kReach = 160;   // periods of the lower rate that the best filter sees on either side, and a few

std::int64_t ratio_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

RateChange::RateChange(std::int64_t from, std::int64_t to, std::int64_t channels) : channels_(channels) {
  const std::int64_t common = std::gcd(from, to);
  down_ = from / common;
  up_ = to / common;
  if (src_is_valid_ratio(static_cast<double>(to) / static_cast<double>(from)) == 0) {
    Diagnostic finding;
    finding.code = ErrorCode::data_specification;
    finding.message = fmt::format("recordings of {} Hz cannot be converted to {} Hz", from, to);
    finding.expected = "rates that differ by a factor of at most 256";
    throw Error(std::move(finding));
  }
  block_ratios_ = ratio_up(kBlock, up_);
  margin_ratios_ = ratio_up(ratio_up(kReach * std::max(from, to), to), down_);  // in frames before conversion
}

std::int64_t RateChange::length(std::int64_t frames) const { return (frames * up_ + down_ / 2) / down_; }

std::vector<float> RateChange::read(const FrameReader& source, std::int64_t frames, std::int64_t first,
                                    std::int64_t count) const {
  const std::int64_t length = block_ratios_ * up_;  // of a block
  const std::int64_t begin = first / length, end = ratio_up(first + count, length);
  const std::int64_t before = (begin * block_ratios_ - margin_of(begin)) * down_;
  const std::int64_t behind = std::min((end * block_ratios_ + margin_ratios_) * down_, frames);
  const std::vector<float> there = before < behind ? source(before, behind - before) : std::vector<float>();
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(count * channels_));
  for (std::int64_t number = begin; number < end; ++number) {
    const std::vector<float> values = block(there, before, number);
    const std::int64_t from = std::max(first - number * length, std::int64_t{0});
    const std::int64_t to = std::min(first + count - number * length, length);
    result.insert(result.end(), values.begin() + from * channels_, values.begin() + to * channels_);
  }
  return result;
}

std::int64_t RateChange::margin_of(std::int64_t number) const {
  return std::min(number * block_ratios_, margin_ratios_);
}

// Block and margins are multiples of the ratio, so a block begins at a whole frame before and after conversion.
// Around the recording there is silence.
std::vector<float> RateChange::block(const std::vector<float>& there, std::int64_t there_from,
                                     std::int64_t number) const {
  const std::int64_t before = margin_of(number);
  const std::int64_t window = before + block_ratios_ + margin_ratios_;
  const std::int64_t skipped = ((number * block_ratios_ - before) * down_ - there_from) * channels_;
  std::vector<float> in(static_cast<std::size_t>(window * down_ * channels_), 0.0F);
  const auto left = static_cast<std::int64_t>(there.size()) - skipped;
  if (left > 0) std::copy_n(there.begin() + skipped, std::min(left, static_cast<std::int64_t>(in.size())), in.begin());

  std::vector<float> out(static_cast<std::size_t>(window * up_ * channels_), 0.0F);
  SRC_DATA data{};
  data.data_in = in.data();
  data.data_out = out.data();
  data.input_frames = window * down_;
  data.output_frames = window * up_;
  data.src_ratio = static_cast<double>(up_) / static_cast<double>(down_);
  if (const int failure = src_simple(&data, SRC_SINC_BEST_QUALITY, static_cast<int>(channels_)); failure != 0)
    throw Error(ErrorCode::data_specification, fmt::format("the rate cannot be changed: {}", src_strerror(failure)));
  const auto begin = out.begin() + before * up_ * channels_;
  return {begin, begin + block_ratios_ * up_ * channels_};
}

}  // namespace loom
