#include "dnnl/weight_layout.h"

#include <algorithm>
#include <cstring>

#include "dnnl/tile.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl::detail {

namespace {

// Offsets along each dimension.
std::vector<std::vector<std::int64_t>> offsets(const Desc& desc, bool& padded) {
#if DNNL_VERSION_MAJOR >= 3
  const Dims dims = desc.get_dims(), whole = desc.get_padded_dims(), strides = desc.get_strides();
  const Dims blocks = desc.get_inner_blks(), blocked = desc.get_inner_idxs();
#else
  const auto& data = desc.data;
  const auto& blocking = data.format_desc.blocking;
  require(data.format_kind == dnnl_blocked, "a weight layout that is not blocked");
  const auto take = [](const dnnl_dim_t* values, int count) { return Dims(values, values + count); };
  const Dims dims = take(data.dims, data.ndims), whole = take(data.padded_dims, data.ndims);
  const Dims strides = take(blocking.strides, data.ndims);
  const Dims blocks = take(blocking.inner_blks, blocking.inner_nblks);
  const Dims blocked = take(blocking.inner_idxs, blocking.inner_nblks);
#endif
  padded = dims != whole;
  std::vector<std::vector<std::int64_t>> result(dims.size());
  for (std::size_t d = 0; d < dims.size(); ++d) {
    for (std::int64_t i = 0; i < dims[d]; ++i) {
      std::int64_t index = i, offset = 0, stride = 1;
      for (std::size_t b = blocks.size(); b-- > 0; stride *= blocks[b]) {
        if (blocked[b] != static_cast<std::int64_t>(d)) continue;
        offset += index % blocks[b] * stride;
        index /= blocks[b];
      }
      result[d].push_back(offset + index * strides[d]);
    }
  }
  return result;
}

std::vector<std::int64_t> combined(const std::vector<std::int64_t>& outer, const std::vector<std::int64_t>& inner) {
  std::vector<std::int64_t> result;
  for (const auto i : outer) {
    for (const auto j : inner) result.push_back(i + j);
  }
  return result;
}

}  // namespace

WeightLayout::WeightLayout(const Desc& desc, int spatial_axes) {
  const auto all = offsets(desc, padded_);
  const std::size_t axes = static_cast<std::size_t>(spatial_axes), channels_at = all.size() - axes - 1;
  filters_ = channels_at == 2 ? combined(all[0], all[1]) : all[0];
  channels_ = all[channels_at];
  taps_ = all[channels_at + 1];
  for (std::size_t i = 2; i <= axes; ++i) taps_ = combined(taps_, all[channels_at + i]);
  const auto taps = static_cast<std::int64_t>(taps_.size()), channels = static_cast<std::int64_t>(channels_.size());
  count_ = static_cast<std::int64_t>(filters_.size()) * channels * taps;
  bool plain = !padded_;
  for (std::size_t i = 0; plain && i < filters_.size(); ++i) {
    plain = filters_[i] == static_cast<std::int64_t>(i) * channels * taps;
  }
  for (std::int64_t i = 0; plain && i < channels; ++i) plain = channels_[i] == i * taps;
  for (std::int64_t i = 0; plain && i < taps; ++i) plain = taps_[i] == i;
  if (!plain) bytes_ = desc.get_size();
  memory_bytes_ = desc.get_size();
  filters_adjacent_ = true;
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if (i % 4 != 0 && filters_[i] != filters_[i - 1] + 1) filters_adjacent_ = false;
  }
}

// Calls element(plain offset, offset here) for each element, except for the squares of four filters by four
// taps, for which it calls tile(plain offset, distance between filters there, offset here, offsets of the taps).
// Sixteen filters side by side, since they usually share the cache lines of a block.
template <class Element, class Tile>
void WeightLayout::for_each(const Element& element, const Tile& tile) const {
  constexpr std::size_t kTogether = 16;
  const std::size_t taps = taps_.size(), channels = channels_.size(), filters = filters_.size();
  const std::size_t tiled_taps = filters_adjacent_ ? taps / 4 * 4 : 0;
  for (std::size_t first = 0; first < filters; first += kTogether) {
    const std::size_t last = std::min(first + kTogether, filters);
    const std::size_t last_tiled = tiled_taps == 0 ? first : first + (last - first) / 4 * 4;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t f = first; f < last_tiled; f += 4) {
        for (std::size_t t = 0; t < tiled_taps; t += 4) {
          tile((f * channels + c) * taps + t, channels * taps, filters_[f] + channels_[c], &taps_[t]);
        }
      }
      for (std::size_t f = first; f < last; ++f) {
        for (std::size_t t = f < last_tiled ? tiled_taps : 0; t < taps; ++t) {
          element((f * channels + c) * taps + t, filters_[f] + channels_[c] + taps_[t]);
        }
      }
    }
  }
}

void WeightLayout::pack(const float* plain, void* packed) const {
  if (bytes_ == 0) return;
  if (padded_) std::memset(packed, 0, bytes_);
  float* target = static_cast<float*>(packed);
  for_each([&](std::size_t from, std::int64_t to) { target[to] = plain[from]; },
           [&](std::size_t from, std::size_t next, std::int64_t to, const std::int64_t* taps) {
             const float* source = plain + from;
             Four a = load_four(source), b = load_four(source + next), c = load_four(source + 2 * next),
                  d = load_four(source + 3 * next);
             transpose_fours(a, b, c, d);
             float* block = target + to;
             store_four(a, block + taps[0]), store_four(b, block + taps[1]);
             store_four(c, block + taps[2]), store_four(d, block + taps[3]);
           });
}

void WeightLayout::pack_bf16(const Bf16* plain, void* packed) const {
  if (padded_) std::memset(packed, 0, memory_bytes_);
  auto* target = static_cast<Bf16*>(packed);
  for (const std::int64_t filter : filters_) {
    for (const std::int64_t channel : channels_) {
      Bf16* block = target + filter + channel;
      for (const std::int64_t tap : taps_) block[tap] = *plain++;
    }
  }
}

template <bool overwrites>
void WeightLayout::unpack(const float* packed, float* plain) const {
  for_each([&](std::size_t to, std::int64_t from) { plain[to] = overwrites ? packed[from] : plain[to] + packed[from]; },
           [&](std::size_t to, std::size_t next, std::int64_t from, const std::int64_t* taps) {
             const float* block = packed + from;
             Four a = load_four(block + taps[0]), b = load_four(block + taps[1]), c = load_four(block + taps[2]),
                  d = load_four(block + taps[3]);
             transpose_fours(a, b, c, d);
             float* sum = plain + to;
             for (const Four& four : {a, b, c, d}) {
               give_four<overwrites>(four, sum);
               sum += next;
             }
           });
}

void WeightLayout::add_to_plain(const float* packed, float* plain) const {
  if (bytes_ == 0) return add(packed, plain, count_);
  unpack<false>(packed, plain);
}

void WeightLayout::to_plain(const float* packed, float* plain) const {
  if (bytes_ == 0)
    std::copy_n(packed, count_, plain);
  else
    unpack<true>(packed, plain);
}

}  // namespace loom::dnnl::detail
