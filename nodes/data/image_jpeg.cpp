// JPEG by libjpeg-turbo.
#include <turbojpeg.h>

#include <memory>

#include "image_formats.h"
#include "orientation.h"

namespace loom {
namespace {

// What the segments in front of the first scan say.
struct JpegHeader {
  std::uint32_t height = 0, width = 0, bits = 8;
  int orientation = 1;
  std::size_t scan = 0;  // where the compressed data begin; 0: there are none
};

bool is_frame(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

void take_segment(JpegHeader& header, std::uint32_t marker, Bytes segment) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  if (is_frame(marker) && segment.size() >= 6) {
    header.bits = big_endian(segment, 0, 1);
    header.height = big_endian(segment, 1, 2);
    header.width = big_endian(segment, 3, 2);
  } else if (marker == 0xE1 && starts_with(segment, kExif)) {
    header.orientation = exif_orientation(segment);
  }
}

JpegHeader read_jpeg_header(const std::string& file, Bytes bytes) {
  JpegHeader header;
  std::size_t at = 2;
  while (header.scan == 0) {
    while (at < bytes.size() && bytes[at] != std::byte{0xFF}) ++at;  // stray bytes, as cameras write them
    while (at < bytes.size() && bytes[at] == std::byte{0xFF}) ++at;
    if (at + 3 > bytes.size()) break;
    const std::uint32_t marker = big_endian(bytes, at, 1);
    ++at;
    if (marker == 0xD9) break;
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;  // these have no segment
    const std::size_t length = big_endian(bytes, at, 2);
    if (length < 2 || length > bytes.size() - at) break;
    take_segment(header, marker, bytes.subspan(at + 2, length - 2));
    at += length;
    if (marker == 0xDA) header.scan = at;
  }
  if (header.scan == 0)
    throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                     "the JPEG ends within its header");
  check_extents(file, header.height, header.width);
  if (header.bits != 8)
    throw file_error(ErrorCode::data_wrong_format, file, kNoOffset, "this kind of JPEG is not read",
                     fmt::format("{} bits", header.bits), "8 bits");
  return header;
}

// The smallest of 1, 1/2, 1/4, 1/8 whose shorter side is still at least `least_side`.
tjscalingfactor decoding_scale(int height, int width, int least_side) {
  tjscalingfactor scale = {1, 1};
  while (least_side > 0 && scale.denom < 8 && std::min(height, width) / (scale.denom * 2) >= least_side)
    scale.denom *= 2;
  return scale;
}

// Red is what cyan and black let through: (255 - cyan)(255 - black) / 255. The ink is stored inverted, as Adobe's
// programs do; other programs take it to be so even without their mark.
std::vector<float> from_inverted_cmyk(const unsigned char* data, std::size_t pixels) {
  std::vector<float> values;
  values.reserve(pixels * 3);
  for (std::size_t i = 0; i < pixels; ++i) {
    const unsigned char* through = data + 4 * i;
    for (int c = 0; c < 3; ++c) values.push_back(static_cast<float>(through[c] * through[3]) / (255.0F * 255.0F));
  }
  return values;
}

using Decoder = std::unique_ptr<void, int (*)(tjhandle)>;

void decode(const std::string& file, const Decoder& decoder, Bytes bytes, const Image& image, TJPF format,
            unsigned char* to) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (tjDecompress2(decoder.get(), data, bytes.size(), to, image.width, 0, image.height, format, TJFLAG_LIMITSCANS) ==
      0)
    return;
  const std::string reason = tjGetErrorStr2(decoder.get());
  const bool truncated = reason.find("remature end") != reason.npos;         // of the file, or of a scan within it
  if (!truncated && tjGetErrorCode(decoder.get()) == TJERR_WARNING) return;  // stray bytes, as cameras write them
  throw file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                   static_cast<std::int64_t>(bytes.size()), "the JPEG cannot be decoded", reason);
}

StoredImage read_jpeg(const std::string& file, Bytes bytes, int least_side) {
  const JpegHeader header = read_jpeg_header(file, bytes);
  const Decoder decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) throw Error(ErrorCode::out_of_memory, fmt::format("{}: the JPEG decoder cannot start", file));
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, sampling = 0, space = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &sampling, &space) != 0)
    throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the JPEG's header is damaged",
                     tjGetErrorStr2(decoder.get()));
  check_extents(file, height, width);
  const tjscalingfactor scale = decoding_scale(height, width, least_side);
  const bool cmyk = space == TJCS_CMYK || space == TJCS_YCCK, gray = space == TJCS_GRAY;
  Image image{TJSCALED(height, scale), TJSCALED(width, scale), gray ? 1 : 3, {}};
  const TJPF format = cmyk ? TJPF_CMYK : gray ? TJPF_GRAY : TJPF_RGB;
  const std::size_t pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  const std::size_t samples = pixels * static_cast<std::size_t>(tjPixelSize[format]);
  const auto decoded = std::make_unique_for_overwrite<unsigned char[]>(samples);
  decode(file, decoder, bytes, image, format, decoded.get());
  image.values = cmyk ? from_inverted_cmyk(decoded.get(), pixels) : scaled_values(decoded.get(), samples, 8);
  return {std::move(image), header.orientation};
}

// Within compressed data the end marker does not occur, so any one behind the header is the end. It is looked for from
// the end of the file: cameras add bytes behind it.
ImageHeader check_jpeg(const std::string& file, Bytes bytes) {
  const JpegHeader header = read_jpeg_header(file, bytes);
  for (std::size_t at = bytes.size(); at-- > header.scan + 1;) {
    if (bytes[at] == std::byte{0xD9} && bytes[at - 1] == std::byte{0xFF}) return {header.height, header.width};
  }
  throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                   "the JPEG ends before its end marker");
}

}  // namespace

const ImageFormat kJpeg = {[](Bytes bytes) { return starts_with(bytes, "\xFF\xD8\xFF"); }, check_jpeg, read_jpeg};

}  // namespace loom
