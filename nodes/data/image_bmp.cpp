// BMP without compression: 1, 4 and 8 bits with a palette, 16 to 32 bits with masks.
#include <array>
#include <bit>
#include <cstdlib>

#include "image_formats.h"

namespace loom {
namespace {

constexpr std::size_t kFileHeader = 14;

struct BmpHeader {
  std::int64_t height = 0, width = 0;
  bool from_top = false;
  std::uint32_t bits = 0;
  std::size_t pixels = 0, stride = 0;                 // where the rows begin, and their length in bytes
  std::size_t palette = 0, colours = 0, entry = 4;    // where the palette is, how many colours, their length
  std::array<std::uint32_t, 4> masks = {0, 0, 0, 0};  // red, green, blue, alpha
};

[[noreturn]] void refuse_bmp(const std::string& file, const std::string& got, const std::string& expected) {
  throw file_error(ErrorCode::data_wrong_format, file, kNoOffset, "this kind of BMP is not read", got, expected);
}

void read_masks(const std::string& file, Bytes bytes, std::size_t size, std::uint32_t compression, BmpHeader& header) {
  constexpr std::uint32_t kMasks = 3, kAlphaMasks = 6;
  constexpr std::size_t kFirstMask = kFileHeader + 40;
  if (compression != 0 && compression != kMasks && compression != kAlphaMasks)
    refuse_bmp(file, compression <= 2 ? "run lengths" : fmt::format("compression {}", compression), "no compression");
  if (header.bits == 16) header.masks = {0x7C00, 0x03E0, 0x001F, 0};
  if (header.bits >= 24) header.masks = {0xFF0000, 0xFF00, 0xFF, 0};
  if (compression == 0) return;
  const bool alpha = compression == kAlphaMasks || size >= 56;
  for (std::size_t i = 0; i < (alpha ? 4U : 3U); ++i) {
    if (kFirstMask + 4 * i + 4 > bytes.size()) return;  // the pixels do not fit either
    header.masks[i] = little_endian(bytes, kFirstMask + 4 * i, 4);
  }
}

BmpHeader read_bmp_header(const std::string& file, Bytes bytes) {
  BmpHeader header;
  const auto truncated = [&](std::size_t needed) {
    return file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                      "the BMP ends too early", fmt::format("{} bytes", bytes.size()), fmt::format("{}", needed));
  };
  if (bytes.size() < kFileHeader + 12) throw truncated(kFileHeader + 12);
  const std::size_t size = little_endian(bytes, kFileHeader, 4);
  const bool old = size == 12;
  if (!old && (size < 40 || size > 1024))
    refuse_bmp(file, fmt::format("a header of {} bytes", size), "12, or 40 and more");
  if (bytes.size() < kFileHeader + size) throw truncated(kFileHeader + size);
  header.pixels = little_endian(bytes, 10, 4);
  const auto extent = [&](std::size_t at, std::size_t old_at) -> std::int64_t {
    if (old) return little_endian(bytes, old_at, 2);
    return std::bit_cast<std::int32_t>(little_endian(bytes, at, 4));
  };
  header.width = extent(18, 18);
  header.height = extent(22, 20);
  header.from_top = header.height < 0;
  header.height = std::abs(header.height);
  check_extents(file, header.height, header.width);
  header.bits = little_endian(bytes, old ? 24 : 28, 2);
  if (header.bits != 1 && header.bits != 4 && header.bits != 8 && header.bits != 16 && header.bits != 24 &&
      header.bits != 32)
    refuse_bmp(file, fmt::format("{} bits a pixel", header.bits), "1, 4, 8, 16, 24 or 32");
  read_masks(file, bytes, size, old ? 0 : little_endian(bytes, 30, 4), header);
  if (header.bits <= 8) {
    header.entry = old ? 3 : 4;
    header.palette = kFileHeader + size;
    header.colours = old ? 0 : little_endian(bytes, 46, 4);
    if (header.colours == 0 || header.colours > 256) header.colours = std::size_t{1} << header.bits;
  }
  header.stride = (static_cast<std::size_t>(header.width) * header.bits + 31) / 32 * 4;
  const std::size_t end = std::max(header.pixels + header.stride * static_cast<std::size_t>(header.height),
                                   header.palette + header.colours * header.entry);
  if (header.pixels < kFileHeader + size || end > bytes.size()) throw truncated(end);
  return header;
}

// The part of a pixel that a mask selects, over its largest value.
float masked(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return static_cast<float>(static_cast<double>((pixel & mask) >> shift) / static_cast<double>(mask >> shift));
}

StoredImage read_bmp(const std::string& file, Bytes bytes, int /*least_side*/) {
  const BmpHeader header = read_bmp_header(file, bytes);
  Image image{static_cast<int>(header.height), static_cast<int>(header.width), header.masks[3] != 0 ? 4 : 3, {}};
  image.values.reserve(static_cast<std::size_t>(header.height * header.width * image.channels));
  for (std::int64_t y = 0; y < header.height; ++y) {
    const std::int64_t from = header.from_top ? y : header.height - 1 - y;  // the last row is stored first
    const std::size_t row = header.pixels + header.stride * static_cast<std::size_t>(from);
    for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x) {
      const std::size_t bit = x * header.bits;
      if (header.bits > 8) {
        const std::uint32_t pixel = little_endian(bytes, row + bit / 8, header.bits / 8);
        for (int c = 0; c < image.channels; ++c)
          image.values.push_back(masked(pixel, header.masks[static_cast<std::size_t>(c)]));
        continue;
      }
      const std::uint32_t number =
          big_endian(bytes, row + bit / 8, 1) >> (8 - header.bits - bit % 8) & ((1U << header.bits) - 1);
      if (number >= header.colours)
        throw file_error(ErrorCode::data_corrupt, file, static_cast<std::int64_t>(row + bit / 8),
                         "a pixel has a colour that the palette lacks", fmt::format("{}", number),
                         fmt::format("below {}", header.colours));
      for (std::size_t c = 3; c-- > 0;)  // stored as blue, green, red
        image.values.push_back(static_cast<float>(bytes[header.palette + number * header.entry + c]) / 255.0F);
    }
  }
  return {std::move(image)};
}

ImageHeader check_bmp(const std::string& file, Bytes bytes) {
  const BmpHeader header = read_bmp_header(file, bytes);
  return {header.height, header.width};
}

}  // namespace

const ImageFormat kBmp = {[](Bytes bytes) { return starts_with(bytes, "BM"); }, check_bmp, read_bmp};

}  // namespace loom
