// The values of .npy arrays: of any type, byte order and order of axes, as f32, i32 or u8 in C order.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <utility>

#include "io/npy.h"
#include "loom/dataset.h"

namespace loom {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written in the order of memory");

// IEEE 754 half precision: 1 bit sign, 5 bits exponent, 10 bits fraction.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = exponent == 31  ? (fraction == 0 ? std::numeric_limits<float>::infinity()
                                                   : std::numeric_limits<float>::quiet_NaN())
                  : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                  : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return bits >> 15 != 0 ? -value : value;
  }
};

template <class Value, bool big_endian>
Value value_at(const std::byte* at) {
  Value value;
  if constexpr (big_endian) {
    std::byte bytes[sizeof(Value)];
    std::reverse_copy(at, at + sizeof(Value), bytes);
    std::memcpy(&value, bytes, sizeof(Value));
  } else {
    std::memcpy(&value, at, sizeof(Value));  // a copy: alignment is not guaranteed
  }
  return value;
}

// f(value, place in C order) for each value of item `index` of an array in Fortran order: the first axis varies fastest.
template <class Value, bool big_endian, class Function>
void each_value_of_columns(const NpyHeader& header, const std::byte* values, std::int64_t index, const Function& f) {
  const std::size_t axes = header.extents.size();
  std::array<std::int64_t, kMaxRank + 1> strides{1}, place{};  // one more: a whole array is read as one item
  for (std::size_t k = 1; k < axes; ++k) strides[k] = strides[k - 1] * header.extents[k - 1];
  std::int64_t offset = index;
  const std::int64_t count = header.per_item();
  for (std::int64_t i = 0; i < count; ++i) {
    f(value_at<Value, big_endian>(values + static_cast<std::size_t>(offset) * sizeof(Value)),
      static_cast<std::size_t>(i));
    for (std::size_t axis = axes; axis-- > 1;) {
      offset += strides[axis];
      if (++place[axis] < header.extents[axis]) break;
      offset -= place[axis] * strides[axis];
      place[axis] = 0;
    }
  }
}

// The same for either order of axes.
template <class Value, bool big_endian, class Function>
void each_value_in(const NpyHeader& header, const std::byte* values, std::int64_t index, const Function& f) {
  if (header.fortran_order) return each_value_of_columns<Value, big_endian>(header, values, index, f);
  const auto count = static_cast<std::size_t>(header.per_item());
  const std::byte* item = values + static_cast<std::size_t>(index) * count * sizeof(Value);
  for (std::size_t i = 0; i < count; ++i) f(value_at<Value, big_endian>(item + i * sizeof(Value)), i);
}

// The same for either order of bytes.
template <class Value, class Function>
void each_value(const NpyHeader& header, const std::byte* values, std::int64_t index, const Function& f) {
  if (header.big_endian)
    each_value_in<Value, true>(header, values, index, f);
  else
    each_value_in<Value, false>(header, values, index, f);
}

template <class Function>
void each_value_of_any(const NpyHeader& header, const std::byte* values, std::int64_t index, const Function& f) {
  switch (header.type) {
    case NpyType::f2: return each_value<Half>(header, values, index, f);
    case NpyType::f4: return each_value<float>(header, values, index, f);
    case NpyType::f8: return each_value<double>(header, values, index, f);
    case NpyType::i1: return each_value<std::int8_t>(header, values, index, f);
    case NpyType::i2: return each_value<std::int16_t>(header, values, index, f);
    case NpyType::i4: return each_value<std::int32_t>(header, values, index, f);
    case NpyType::i8: return each_value<std::int64_t>(header, values, index, f);
    case NpyType::u2: return each_value<std::uint16_t>(header, values, index, f);
    case NpyType::u4: return each_value<std::uint32_t>(header, values, index, f);
    case NpyType::u8: return each_value<std::uint64_t>(header, values, index, f);
    case NpyType::u1:
    case NpyType::b1: return each_value<std::uint8_t>(header, values, index, f);
  }
}

bool is_plain_f4(const NpyHeader& header) {
  return header.type == NpyType::f4 && !header.big_endian && !header.fortran_order;
}

}  // namespace

void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, float scale,
                   std::span<float> out) {
  if (is_plain_f4(header)) {
    std::memcpy(out.data(), values + static_cast<std::size_t>(index) * out.size_bytes(), out.size_bytes());
    if (scale != 1)
      for (float& value : out) value *= scale;
    return;
  }
  each_value_of_any(header, values, index,
                    [&](auto value, std::size_t at) { out[at] = static_cast<float>(value) * scale; });
}

void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, std::span<std::int32_t> out,
                   const std::string& file) {
  each_value_of_any(header, values, index, [&]<class Value>(Value value, std::size_t at) {
    if constexpr (std::integral<Value>) {
      if (!std::in_range<std::int32_t>(value)) {
        throw file_error(ErrorCode::out_of_range, file, kNoOffset,
                         fmt::format("an integer of item {} does not fit 32 bits", index), fmt::format("{}", value),
                         "-2147483648 to 2147483647");
      }
      out[at] = static_cast<std::int32_t>(value);
    } else {
      throw file_error(ErrorCode::data_wrong_format, file, kNoOffset, "the values are not integers", header.type_name(),
                       "integers: save array.astype('int32')");
    }
  });
}

Tensor npy_tensor(std::span<const std::byte> bytes, const std::string& file) {
  const NpyHeader header = read_npy_header(bytes, file);
  const Shape shape{std::span(header.extents)};
  const std::byte* values = bytes.data() + header.start;
  NpyHeader whole = header;  // as one item
  whole.extents.insert(whole.extents.begin(), 1);
  const bool small = header.type == NpyType::u1 || header.type == NpyType::b1;
  Tensor tensor(header.is_floating() ? DType::f32 : small ? DType::u8 : DType::i32, shape);
  if (header.is_floating())
    read_npy_item(whole, values, 0, 1.0F, tensor.values());
  else if (!small)
    read_npy_item(whole, values, 0, tensor.values<std::int32_t>(), file);
  else
    each_value<std::uint8_t>(
        whole, values, 0,
        [out = tensor.values<std::uint8_t>()](std::uint8_t value, std::size_t at) { out[at] = value; });
  return tensor;
}

Tensor read_npy(const std::string& path) {
  const MappedFile file(path);
  return npy_tensor(file.bytes(), path);
}

}  // namespace loom
