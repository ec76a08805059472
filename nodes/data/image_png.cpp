// PNG by libpng's low-level interface: the simplified one converts 16 bits by a gamma.
#include <png.h>
#include <zlib.h>

#include <array>
#include <csetjmp>
#include <memory>

#include "image_formats.h"
#include "orientation.h"

namespace loom {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kEnd("\0\0\0\0IEND\xAE\x42\x60\x82", 12);  // the whole last chunk
constexpr std::size_t kHeaderEnd = 33;                                // the signature and the chunk IHDR

// Everything that libpng's error handling may jump over: no object with a destructor lives in the functions it leaves.
struct Reader {
  explicit Reader(Bytes all) : bytes(all) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }

  Bytes bytes;
  std::size_t at = 0;
  bool ended = false;  // the decoder wanted more than there is
  std::array<char, 160> reason{};
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::unique_ptr<unsigned char[]> pixels;
  std::vector<png_bytep> rows;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader.reason.data(), message, reader.reason.size() - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void give_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size() - reader.at) {
    reader.ended = true;
    reader.at = reader.bytes.size();
    png_error(png, "the file ends");
  }
  std::memcpy(to, reader.bytes.data() + reader.at, count);
  reader.at += count;
}

// Asks for 8 or 16 bits of gray or RGB, with or without alpha, in the machine's byte order.
bool read_png_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;  // NOLINT: libpng reports errors by jumping
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Chunks of text, profiles and times would take the memory that they say to need.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_read_fn(reader.png, &reader, give_bytes);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);
  if constexpr (std::endian::native == std::endian::little) png_set_swap(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;  // NOLINT
  png_read_image(reader.png, reader.rows.data());
  png_read_end(reader.png, reader.info);
  return true;
}

[[noreturn]] void throw_png_error(const std::string& file, const Reader& reader) {
  const std::string_view reason(reader.reason.data());
  const bool truncated = reader.ended || reason.find("Not enough") != reason.npos;
  throw file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                   static_cast<std::int64_t>(reader.at), "the PNG cannot be decoded", std::string(reason));
}

// Of the chunk eXIf, wherever it is.
int orientation_of(Bytes bytes) {
  for (std::size_t at = kSignature.size(); bytes.size() - at >= kEnd.size();) {
    const std::size_t length = big_endian(bytes, at, 4);
    if (length > bytes.size() - at - kEnd.size()) break;
    if (starts_with(bytes, "eXIf", at + 4)) return exif_orientation(bytes.subspan(at + 8, length));
    at += kEnd.size() + length;
  }
  return 1;
}

StoredImage read_png(const std::string& file, Bytes bytes, int /*least_side*/) {
  Reader reader(bytes);
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) throw Error(ErrorCode::out_of_memory, file + ": the PNG decoder cannot start");
  if (!read_png_header(reader)) throw_png_error(file, reader);
  const auto height = static_cast<std::size_t>(png_get_image_height(reader.png, reader.info));
  const auto width = static_cast<std::size_t>(png_get_image_width(reader.png, reader.info));
  check_extents(file, static_cast<std::int64_t>(height), static_cast<std::int64_t>(width));
  const std::size_t stride = png_get_rowbytes(reader.png, reader.info);
  // Not initialized: a header that asks for more than the file holds fails before the pages are touched.
  reader.pixels = std::make_unique_for_overwrite<unsigned char[]>(height * stride);
  for (std::size_t y = 0; y < height; ++y) reader.rows.push_back(reader.pixels.get() + y * stride);
  if (!read_rows(reader)) throw_png_error(file, reader);
  const int channels = png_get_channels(reader.png, reader.info);
  Image image{static_cast<int>(height), static_cast<int>(width), channels, {}};
  image.values = scaled_values(reader.pixels.get(), height * width * static_cast<std::size_t>(channels),
                               png_get_bit_depth(reader.png, reader.info));
  return {std::move(image), orientation_of(bytes)};
}

// The chunks from `at` on, up to the last: cameras and programs may add bytes behind it.
void check_end(const std::string& file, Bytes bytes) {
  const std::size_t size = bytes.size();
  if (starts_with(bytes, kEnd, size - kEnd.size())) return;
  for (std::size_t at = kHeaderEnd; size - at >= kEnd.size();) {
    if (starts_with(bytes, kEnd, at)) return;
    const std::size_t chunk = std::size_t{12} + big_endian(bytes, at, 4);
    if (chunk > size - at) break;
    at += chunk;
  }
  throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(size),
                   "the PNG ends before its chunk IEND");
}

ImageHeader check_png(const std::string& file, Bytes bytes) {
  if (bytes.size() < kHeaderEnd + kEnd.size())
    throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                     "the PNG ends within its header");
  if (!starts_with(bytes, kSignature) || !starts_with(bytes, "IHDR", 12) ||
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + 12, 17) != big_endian(bytes, 29, 4))
    throw file_error(ErrorCode::data_corrupt, file, 8, "the PNG's header is damaged");
  const std::uint64_t width = big_endian(bytes, 16, 4), height = big_endian(bytes, 20, 4);
  check_extents(file, static_cast<std::int64_t>(height), static_cast<std::int64_t>(width));
  check_end(file, bytes);
  const std::uint32_t colour = big_endian(bytes, 25, 1);
  const std::uint64_t samples = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
  const std::uint64_t needed = height * ((width * samples * big_endian(bytes, 24, 1) + 7) / 8);
  constexpr std::uint64_t kMostRatio = 1032;  // of deflate
  if (needed / kMostRatio > bytes.size())
    throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                     "the PNG is too short for its size", fmt::format("{} bytes", bytes.size()),
                     fmt::format("{} x {} pixels", height, width));
  return {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)};
}

}  // namespace

const ImageFormat kPng = {[](Bytes bytes) { return starts_with(bytes, kSignature.substr(0, 4)); }, check_png, read_png};

}  // namespace loom
