#include "testing/npz.h"

#include <fmt/format.h>
#include <zlib.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace loom::testing {
namespace {

static_assert(std::endian::native == std::endian::little, "archives are read as they lie in memory");

struct Archive {
  std::string path;
  std::string bytes;

  template <class T>
  T at(std::size_t offset) const {
    if (offset + sizeof(T) > bytes.size()) fail(ErrorCode::data_truncated, "it ends inside of a record");
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
  }
  std::string_view text(std::size_t offset, std::size_t length) const {
    if (offset + length > bytes.size()) fail(ErrorCode::data_truncated, "it ends inside of a record");
    return std::string_view(bytes).substr(offset, length);
  }
  [[noreturn]] void fail(ErrorCode code, const std::string& why) const {
    throw Error(code, fmt::format("{}: {}", path, why));
  }
};

Archive open_archive(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::data_not_found, fmt::format("{} cannot be opened", path));
  return {path, std::string(std::istreambuf_iterator<char>(file), {})};
}

// The place of the end record, which is last but for a comment of up to 64 KiB.
std::size_t end_record(const Archive& archive) {
  const std::size_t place = archive.bytes.rfind(std::string_view("PK\5\6", 4));
  if (place == std::string::npos) archive.fail(ErrorCode::data_wrong_format, "it is not a zip archive");
  return place;
}

std::string inflated(const Archive& archive, std::string_view packed, std::size_t size) {
  std::string bytes(size, '\0');
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) archive.fail(ErrorCode::internal, "zlib cannot start");
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (result != Z_STREAM_END || stream.avail_out != 0)
    archive.fail(ErrorCode::data_corrupt, "an array does not inflate");
  return bytes;
}

template <class From, class To>
Tensor converted(DType dtype, const Shape& shape, std::string_view bytes) {
  Tensor tensor(dtype, shape);
  const auto values = tensor.values<To>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    values[i] = static_cast<To>(value);
  }
  return tensor;
}

// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }
Tensor parse_npy(const Archive& archive, const std::string& name, std::string_view bytes) {
  const auto fail = [&](const char* why) {
    archive.fail(ErrorCode::data_wrong_format, fmt::format("{}: {}", name, why));
  };
  if (bytes.size() < 12 || bytes.substr(0, 6) != "\x93NUMPY") fail("it is not a .npy file");
  const bool wide = bytes[6] >= 2;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, wide ? 4 : 2);
  const std::size_t start = (wide ? 12 : 10) + length;
  if (start > bytes.size()) fail("its header is cut off");
  const std::string_view header = bytes.substr(0, start);
  if (header.find("'fortran_order': True") != std::string_view::npos) fail("it is in column-major order");
  Shape shape;
  const std::size_t open = header.find('('), close = header.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos) fail("its header has no shape");
  std::int64_t count = 1, extent = -1;
  for (char c : header.substr(open + 1, close - open)) {
    if (c >= '0' && c <= '9') extent = std::max<std::int64_t>(extent, 0) * 10 + (c - '0');
    if ((c == ',' || c == ')') && extent >= 0) {
      shape.push_back(extent);
      count *= extent;
      extent = -1;
    }
  }
  const std::size_t quote = header.find("'", header.find("'descr':") + 8);
  const std::string kind(header.substr(quote + 1, 3));
  const std::string_view data = bytes.substr(start);
  if (kind.size() < 3 || data.size() != static_cast<std::size_t>(count * (kind[2] - '0')))
    fail("its size does not fit its shape");
  if (kind == "<f4") return converted<float, float>(DType::f32, shape, data);
  if (kind == "<f8") return converted<double, float>(DType::f32, shape, data);
  if (kind == "<i4") return converted<std::int32_t, std::int32_t>(DType::i32, shape, data);
  if (kind == "<i8") return converted<std::int64_t, std::int32_t>(DType::i32, shape, data);
  if (kind == "|u1" || kind == "|b1") return converted<std::uint8_t, std::uint8_t>(DType::u8, shape, data);
  fail("its element type is not one of f4, f8, i4, i8, u1");
  return {};
}

}  // namespace

std::map<std::string, Tensor> read_npz(const std::string& path) {
  const Archive archive = open_archive(path);
  const std::size_t end = end_record(archive);
  const auto count = archive.at<std::uint16_t>(end + 10);
  std::size_t entry = archive.at<std::uint32_t>(end + 16);
  std::map<std::string, Tensor> arrays;
  for (int i = 0; i < count; ++i) {
    const auto method = archive.at<std::uint16_t>(entry + 10);
    const auto checksum = archive.at<std::uint32_t>(entry + 16);
    const auto packed_size = archive.at<std::uint32_t>(entry + 20), size = archive.at<std::uint32_t>(entry + 24);
    const auto name_length = archive.at<std::uint16_t>(entry + 28);
    const std::size_t skip = std::size_t{archive.at<std::uint16_t>(entry + 30)} + archive.at<std::uint16_t>(entry + 32);
    const std::size_t local = archive.at<std::uint32_t>(entry + 42);
    std::string name(archive.text(entry + 46, name_length));
    const std::size_t body = local + 30 + archive.at<std::uint16_t>(local + 26) + archive.at<std::uint16_t>(local + 28);
    const std::string_view packed = archive.text(body, packed_size);
    const std::string bytes = method == 0 ? std::string(packed) : inflated(archive, packed, size);
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    if (sum != checksum) archive.fail(ErrorCode::data_corrupt, name + ": its checksum is wrong");
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays.emplace(name, parse_npy(archive, name, bytes));
    entry += 46 + name_length + skip;
  }
  return arrays;
}

}  // namespace loom::testing
