#include "runner/npy.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "train/atomic_file.h"

namespace loom::runner {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kPreambleV1 = 10;  // magic, version, two bytes of header length
constexpr std::size_t kPreambleV2 = 12;  // four bytes of header length
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLargestElement = 8;

[[noreturn]] void fail(const std::string& path, ErrorCode code, std::string message, std::string got = "",
                       std::string expected = "", std::string hint = "") {
  Diagnostic finding;
  finding.code = code;
  finding.where.file = path;
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  finding.hint = std::move(hint);
  throw Error(std::move(finding));
}

struct Header {
  char kind = 'f';  // of NumPy's type code
  std::size_t element_bytes = 4;
  Shape shape;
  std::size_t data_offset = 0;
};

// The text of the header's dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderText {
 public:
  HeaderText(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  std::string descr() const {
    const std::string_view value = after("'descr':");
    const std::size_t end = value.size() > 1 ? value.find('\'', 1) : std::string_view::npos;
    if (value.empty() || value.front() != '\'' || end == std::string_view::npos) {
      fail(path_, ErrorCode::data_wrong_format, "an array of records, which have no place here",
           std::string(value.substr(0, 40)), "an array of numbers");
    }
    return std::string(value.substr(1, end - 1));
  }

  bool fortran_order() const { return after("'fortran_order':").starts_with("True"); }

  Shape shape() const {
    const std::string_view value = after("'shape':");
    const std::size_t end = value.find(')');
    if (!value.starts_with('(') || end == std::string_view::npos) corrupt("'shape': (...)");
    Shape shape;
    for (std::size_t at = 1; at < end;) {
      if (value[at] == ' ' || value[at] == ',') {
        ++at;
        continue;
      }
      shape.push_back(extent(value, at));
      if (shape.rank() == kMaxRank &&
          value.substr(at, end - at).find_first_of("0123456789") != std::string_view::npos) {
        fail(path_, ErrorCode::data_shape, "too many axes", std::string(value.substr(0, end + 1)),
             fmt::format("at most {}", kMaxRank));
      }
    }
    return shape;
  }

 private:
  std::int64_t extent(std::string_view value, std::size_t& at) const {
    std::int64_t number = 0;
    const std::size_t start = at;
    for (; at < value.size() && value[at] >= '0' && value[at] <= '9'; ++at) {
      if (number > std::numeric_limits<std::int32_t>::max()) corrupt("an extent below 2^31");
      number = number * 10 + (value[at] - '0');
    }
    if (at == start) corrupt("'shape': (...)");
    return number;
  }

  std::string_view after(std::string_view key) const {
    const std::size_t at = text_.find(key);
    if (at == std::string_view::npos) corrupt(std::string(key));
    std::string_view rest = text_.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  }

  [[noreturn]] void corrupt(std::string expected) const {
    fail(path_, ErrorCode::data_corrupt, "the header of the array cannot be read (from byte 10)",
         std::string(text_.substr(0, 80)), std::move(expected));
  }

  const std::string& path_;
  std::string_view text_;
};

void read_type(const std::string& path, const std::string& descr, Header& header) {
  const bool known =
      descr == "<f4" || descr == "<f8" || descr == "<i4" || descr == "<i8" || descr == "|u1" || descr == "|b1";
  if (!known)
    fail(path, ErrorCode::data_wrong_format, "an element type that is not read", descr,
         "<f4, <f8, <i4, <i8, |u1 or |b1", "convert it with numpy's astype");
  header.kind = descr[1];
  header.element_bytes = static_cast<std::size_t>(descr[2] - '0');
}

std::size_t header_end(const std::string& path, const std::string& bytes, std::size_t& preamble) {
  if (!bytes.starts_with(kMagic))
    fail(path, ErrorCode::data_wrong_format, "not a .npy file", "other first bytes", "\\x93NUMPY at byte 0");
  if (bytes.size() < kPreambleV2)
    fail(path, ErrorCode::data_truncated, "the file ends within its header", fmt::format("{} bytes", bytes.size()),
         "at least 12");
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    fail(path, ErrorCode::data_wrong_format, "an unknown version of the .npy format at byte 6", std::to_string(version),
         "1, 2 or 3");
  std::size_t length = byte(8) | byte(9) << 8;
  preamble = kPreambleV1;
  if (version > 1) {
    length |= byte(10) << 16 | byte(11) << 24;
    preamble = kPreambleV2;
  }
  if (bytes.size() < preamble + length) {
    fail(path, ErrorCode::data_truncated, "the file ends within its header", fmt::format("{} bytes", bytes.size()),
         fmt::format("at least {}", preamble + length));
  }
  return preamble + length;
}

Header read_header(const std::string& path, const std::string& bytes) {
  std::size_t preamble = 0;
  Header header;
  header.data_offset = header_end(path, bytes, preamble);
  const HeaderText text(path, std::string_view(bytes).substr(preamble, header.data_offset - preamble));
  read_type(path, text.descr(), header);
  header.shape = text.shape();
  if (header.shape.rank() > 1 && text.fortran_order()) {
    fail(path, ErrorCode::data_wrong_format, "the array is in Fortran order", "fortran_order: True", "C order",
         "save numpy.ascontiguousarray(a)");
  }
  return header;
}

// The elements of the shape; a product that cannot be in any file is refused before it overflows.
std::size_t element_count(const std::string& path, const Header& header) {
  std::size_t count = 1;
  for (const std::int64_t extent : header.shape.extents()) {
    if (extent > 0 &&
        count > std::numeric_limits<std::size_t>::max() / static_cast<std::size_t>(extent) / kLargestElement) {
      fail(path, ErrorCode::data_corrupt, "the shape is larger than any file", header.shape.text());
    }
    count *= static_cast<std::size_t>(extent);
  }
  if (count == 0) fail(path, ErrorCode::data_empty, "the array has no elements", header.shape.text(), "at least one");
  return count;
}

template <class From, class To>
void convert(const char* from, std::span<To> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    to[i] = static_cast<To>(value);
  }
}

}  // namespace

Tensor read_npy(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) fail(path, ErrorCode::data_not_found, "there is no such file");
  const std::string bytes = read_text_file(path);
  const Header header = read_header(path, bytes);
  const std::size_t expected = header.data_offset + element_count(path, header) * header.element_bytes;
  if (bytes.size() != expected) {
    fail(path, bytes.size() < expected ? ErrorCode::data_truncated : ErrorCode::data_corrupt,
         bytes.size() < expected ? fmt::format("the file ends at byte {}, within its values", bytes.size())
                                 : fmt::format("something follows the last value at byte {}", expected),
         fmt::format("{} bytes", bytes.size()),
         fmt::format("{} bytes for {} of {} bytes each", expected, header.shape.text(), header.element_bytes));
  }
  const char* data = bytes.data() + header.data_offset;
  Tensor tensor(header.kind == 'f' ? DType::f32 : header.kind == 'i' ? DType::i32 : DType::u8, header.shape);
  if (header.kind == 'f' && header.element_bytes == 8)
    convert<double>(data, tensor.values<float>());
  else if (header.kind == 'i' && header.element_bytes == 8)
    convert<std::int64_t>(data, tensor.values<std::int32_t>());
  else
    std::memcpy(tensor.view().raw(), data, tensor.view().bytes());
  return tensor;
}

void write_npy(const std::string& path, const TensorView& values) {
  const char* descr = values.dtype() == DType::f32 ? "<f4" : values.dtype() == DType::i32 ? "<i4" : "|u1";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", descr);
  for (const std::int64_t extent : values.shape().extents()) header += fmt::format("{},", extent);
  header += "), }";
  header.append(kAlignment - (kPreambleV1 + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::string preamble(kMagic);
  preamble += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  AtomicFile file(path);
  file.write(preamble + header);
  file.write(std::string_view(static_cast<const char*>(values.raw()), values.bytes()));
  file.commit();
}

}  // namespace loom::runner
