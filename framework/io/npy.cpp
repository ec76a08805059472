#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "io/atomic_file.h"
#include "loom/dataset.h"

namespace loom {
namespace {

struct TypeName {
  NpyType type;
  std::string_view name;
};
constexpr TypeName kTypes[] = {{NpyType::f2, "f2"}, {NpyType::f4, "f4"}, {NpyType::f8, "f8"}, {NpyType::i1, "i1"},
                               {NpyType::i2, "i2"}, {NpyType::i4, "i4"}, {NpyType::i8, "i8"}, {NpyType::u1, "u1"},
                               {NpyType::u2, "u2"}, {NpyType::u4, "u4"}, {NpyType::u8, "u8"}, {NpyType::b1, "b1"}};

std::string_view name_of(NpyType type) { return std::ranges::find(kTypes, type, &TypeName::type)->name; }

// The header that is read, for error messages.
struct Text {
  std::string_view dictionary;
  std::size_t start;  // offset of the dictionary in the file
  const std::string& file;

  [[noreturn]] void fail(std::size_t at, const std::string& message, std::string got, std::string expected) const {
    throw file_error(ErrorCode::data_wrong_format, file, static_cast<std::int64_t>(start + at), message, std::move(got),
                     std::move(expected));
  }
  // Where the value of 'key' begins.
  std::size_t value_of(const std::string& key) const {
    const std::size_t at = dictionary.find("'" + key + "'");
    const std::size_t colon = at == std::string_view::npos ? at : dictionary.find(':', at);
    const std::size_t value = colon == std::string_view::npos ? colon : dictionary.find_first_not_of(" :", colon);
    if (value == std::string_view::npos)
      fail(0, "the header has no '" + key + "'", std::string(dictionary), "descr, fortran_order and shape");
    return value;
  }
};

// Type and byte order of a descr such as '<f4'.
void read_type(const Text& text, NpyHeader& header) {
  const std::size_t at = text.value_of("descr");
  const std::size_t end = text.dictionary.find(text.dictionary[at], at + 1);
  const std::string_view name =
      end == std::string_view::npos ? text.dictionary.substr(at) : text.dictionary.substr(at + 1, end - at - 1);
  const auto kind = name.size() == 3 ? std::ranges::find(kTypes, name.substr(1), &TypeName::name) : std::end(kTypes);
  if (kind == std::end(kTypes) || std::string_view("<>|=").find(name[0]) == std::string_view::npos) {
    text.fail(at, "values of an unsupported type", std::string(name),
              "numbers of at most 8 bytes: save array.astype('float32')");
  }
  header.type = kind->type;
  header.big_endian = name[0] == '>';
}

std::vector<std::int64_t> array_extents(const Text& text) {
  std::size_t at = text.value_of("shape");
  const std::size_t end = text.dictionary.find(')', at);
  if (text.dictionary[at] != '(' || end == std::string_view::npos) {
    text.fail(at, "the shape is not a tuple", std::string(text.dictionary.substr(at)), "(extent, extent, ...)");
  }
  std::vector<std::int64_t> extents;
  for (++at; at < end; ++at) {
    if (text.dictionary[at] == ' ' || text.dictionary[at] == ',') continue;
    std::int64_t extent = 0;
    const auto [stop, error] = std::from_chars(text.dictionary.data() + at, text.dictionary.data() + end, extent);
    if (error != std::errc() || extent < 0)
      text.fail(at, "an extent is not a number", std::string(text.dictionary.substr(at, end - at)), "a number");
    extents.push_back(extent);
    at = static_cast<std::size_t>(stop - text.dictionary.data()) - 1;
  }
  if (extents.empty() || extents.size() > static_cast<std::size_t>(kMaxRank)) {
    text.fail(text.value_of("shape"), "wrong number of axes", fmt::format("{}", extents.size()),
              fmt::format("1 to {}, items first", kMaxRank));
  }
  return extents;
}

// The dictionary: after the magic number, the version and its own length.
Text header_text(std::span<const std::byte> bytes, const std::string& file) {
  constexpr std::string_view magic = "\x93NUMPY";
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (all.substr(0, magic.size()) != magic.substr(0, all.size())) {
    throw file_error(ErrorCode::data_wrong_format, file, 0, "this is not a .npy array",
                     fmt::format("{:02x}", static_cast<unsigned>(bytes[0])), "93 'NUMPY'");
  }
  const auto truncated = [&](std::size_t expected) {
    return file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()), "the header is cut off",
                      fmt::format("{} bytes", bytes.size()), fmt::format("{} bytes", expected));
  };
  if (bytes.size() < 12) throw truncated(12);
  const auto version = static_cast<unsigned>(bytes[6]);
  if (version < 1 || version > 3) {
    throw file_error(ErrorCode::data_wrong_format, file, 6, "an unknown version of the format",
                     fmt::format("{}", version), "1, 2 or 3");
  }
  const std::size_t digits = version == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t i = digits; i-- > 0;) length = length << 8 | static_cast<std::size_t>(bytes[8 + i]);
  const std::size_t start = 8 + digits;
  if (bytes.size() < start + length) throw truncated(start + length);
  return {all.substr(start, length), start, file};
}

}  // namespace

std::size_t NpyHeader::value_bytes() const { return static_cast<std::size_t>(name_of(type)[1] - '0'); }

std::string NpyHeader::type_name() const {
  return fmt::format("{}{}", value_bytes() == 1 ? '|' : big_endian ? '>' : '<', name_of(type));
}

std::int64_t NpyHeader::per_item() const {
  std::int64_t count = 1;
  for (std::size_t axis = 1; axis < extents.size(); ++axis) count *= extents[axis];
  return count;
}

NpyHeader read_npy_header(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.empty()) throw file_error(ErrorCode::data_empty, file, 0, "the array is empty");
  const Text text = header_text(bytes, file);
  NpyHeader header;
  read_type(text, header);
  header.fortran_order = text.dictionary.substr(text.value_of("fortran_order"), 4) == "True";
  header.extents = array_extents(text);
  header.start = text.start + text.dictionary.size();
  std::int64_t expected = static_cast<std::int64_t>(header.value_bytes());
  for (std::int64_t extent : header.extents) {
    if (extent == 0)
      throw file_error(ErrorCode::data_empty, file, static_cast<std::int64_t>(text.start),
                       "an extent of 0: there are no items");
    // The extents may be invalid: stop before their product overflows.
    expected = expected > (std::int64_t{1} << 60) / extent ? std::int64_t{1} << 60 : expected * extent;
  }
  const auto got = static_cast<std::int64_t>(bytes.size() - header.start);
  if (got != expected) {
    throw file_error(got < expected ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                     static_cast<std::int64_t>(header.start) + std::min(got, expected),
                     got < expected ? "the values end early" : "there is more data than the header says",
                     fmt::format("{} bytes of values", got),
                     fmt::format("{} ({})", expected, joined(header.extents, " x ")));
  }
  return header;
}

namespace {

std::string header_of(const std::string& descr, const std::string& extents) {
  constexpr std::size_t preamble_size = 10, alignment = 64;  // magic, version 1.0, two bytes of length
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, extents);
  header.append(alignment - (preamble_size + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string preamble("\x93NUMPY");
  preamble += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return preamble + header;
}

// The code points of a UTF-8 text.
std::u32string code_points(std::string_view text) {
  constexpr char32_t replacement = 0xFFFD;
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    const unsigned first = byte(i);
    const std::size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : 4;
    char32_t point = more == 0 ? first : first & (0x3FU >> more);
    bool valid = more < 4;
    for (std::size_t k = 1; valid && k <= more; ++k) {
      valid = byte(i + k) >> 6 == 2;
      point = point << 6 | (byte(i + k) & 0x3FU);
    }
    points += valid ? point : replacement;
    i += valid ? more + 1 : 1;
  }
  return points;
}

}  // namespace

std::string npy_header(DType dtype, const Shape& shape) {
  std::string extents;
  for (const std::int64_t extent : shape.extents()) extents += fmt::format("{},", extent);
  return header_of(dtype == DType::f32 ? "<f4" : dtype == DType::i32 ? "<i4" : "|u1", extents);
}

void write_npy(const std::string& path, std::span<const std::int64_t> values) {
  AtomicFile file(path);
  file.write(header_of("<i8", fmt::format("{},", values.size())));
  file.write(std::as_bytes(values));
  file.commit();
}

void write_npy(const std::string& path, std::span<const std::string> texts) {
  std::vector<std::u32string> rows;
  std::size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, rows.emplace_back(code_points(text)).size());
  AtomicFile file(path);
  file.write(header_of(fmt::format("<U{}", width), fmt::format("{},", rows.size())));
  for (std::u32string& row : rows) {
    row.resize(width, U'\0');
    file.write(std::as_bytes(std::span(row)));
  }
  file.commit();
}

void write_npy(const std::string& path, const TensorView& values) {
  AtomicFile file(path);
  file.write(npy_header(values.dtype(), values.shape()));
  file.write(std::string_view(static_cast<const char*>(values.raw()), values.bytes()));
  file.commit();
}

}  // namespace loom
