// Reads tensors and the checksum.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "io/safetensors.h"
#include "io/safetensors_format.h"
#include "loom/error.h"

namespace loom {
namespace {

constexpr std::size_t kReadBlock = std::size_t{1} << 20;  // bytes

float from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1F;
  const std::uint32_t mantissa = bits & 0x3FF;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000 | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float tiny = static_cast<float>(mantissa) * 0x1p-24F;
  return sign != 0 ? -tiny : tiny;
}

float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

template <class From, class To, class Convert>
void convert(const std::vector<std::byte>& raw, std::span<To> out, Convert&& function) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, raw.data() + i * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(function(value));
  }
}

DType dtype_read_as(const std::string& name) {
  if (name == "I32" || name == "I64") return DType::i32;
  return name == "U8" || name == "BOOL" ? DType::u8 : DType::f32;
}

}  // namespace

void SafetensorsFile::verify() const {
  if (!has_checksum()) {
    const auto format = metadata_.find("format");
    if (format != metadata_.end() && format->second.starts_with("latentloom")) corrupt("the checksum is missing", 8);
    return;
  }
  std::vector<std::byte> block(kReadBlock);
  uLong crc = 0;
  for (std::uint64_t at = 0; at < size_; at += block.size()) {
    const auto part =
        std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size_ - at)));
    read_bytes(at, part);
    for (std::size_t i = 0; i < kChecksumDigits; ++i) {
      const std::uint64_t digit = checksum_at_ + i;
      if (digit >= at && digit < at + part.size()) part[digit - at] = std::byte{'0'};
    }
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  const std::string found = fmt::format("{}{:08x}", kChecksumPrefix, crc);
  if (found != metadata_.at("checksum"))
    corrupt("the checksum does not match the content", checksum_at_, found, metadata_.at("checksum"));
}

bool SafetensorsFile::has_shape(const std::string& name, const Shape& shape) const {
  const auto it = entries_.find(name);
  return it != entries_.end() && std::ranges::equal(it->second.extents, shape.extents());
}

void SafetensorsFile::read(const std::string& name, const TensorView& out) const {
  const auto fail = [&](const std::string& got, const std::string& expected) {
    Diagnostic finding;
    finding.code = ErrorCode::checkpoint_mismatch;
    finding.where = {path_, 0, 0};
    finding.message = fmt::format("tensor '{}' does not fit", name);
    finding.got = got;
    finding.expected = expected;
    throw Error(std::move(finding));
  };
  const std::string wanted = fmt::format("{} {}", safetensors_name(out.dtype()), out.shape().text());
  const auto it = entries_.find(name);
  if (it == entries_.end()) fail("no tensor of that name", wanted);
  const Entry& entry = it->second;
  if (!has_shape(name, out.shape())) fail(entry.text(), wanted);
  const std::uint64_t offset = data_start_ + entry.begin;
  if (entry.dtype == safetensors_name(out.dtype())) {
    read_bytes(offset, {static_cast<std::byte*>(out.raw()), out.bytes()});
    return;
  }
  if (dtype_read_as(entry.dtype) != out.dtype()) fail(entry.text(), wanted);
  std::vector<std::byte> raw(entry.end - entry.begin);
  read_bytes(offset, raw);
  if (entry.dtype == "F64")
    convert<double>(raw, out.values<float>(), [](double value) { return value; });
  else if (entry.dtype == "F16")
    convert<std::uint16_t>(raw, out.values<float>(), from_half);
  else if (entry.dtype == "BF16")
    convert<std::uint16_t>(raw, out.values<float>(), from_bfloat);
  else if (entry.dtype == "I64")
    convert<std::int64_t>(raw, out.values<std::int32_t>(), [](std::int64_t value) { return value; });
  else if (entry.dtype == "BOOL")
    convert<std::uint8_t>(raw, out.values<std::uint8_t>(), [](std::uint8_t value) { return value; });
  else
    fail(entry.text(), wanted);
}

Tensor SafetensorsFile::read(const std::string& name) const {
  const auto it = entries_.find(name);
  const std::vector<std::int64_t> extents = it == entries_.end() ? std::vector<std::int64_t>{} : it->second.extents;
  Tensor tensor(it == entries_.end() ? DType::f32 : dtype_read_as(it->second.dtype), Shape(std::span(extents)));
  read(name, tensor.view());
  return tensor;
}

}  // namespace loom
