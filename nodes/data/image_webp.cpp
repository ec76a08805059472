// WebP by libwebp. Of an animation, the first picture.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "image_formats.h"
#include "orientation.h"

namespace loom {
namespace {

const std::uint8_t* data_of(Bytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

Error webp_error(const std::string& file, Bytes bytes, const std::string& message, VP8StatusCode status) {
  const bool truncated = status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED;
  return file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                    truncated ? static_cast<std::int64_t>(bytes.size()) : kNoOffset, message,
                    truncated ? "too few bytes" : fmt::format("status {} of libwebp", static_cast<int>(status)));
}

WebPBitstreamFeatures read_webp_header(const std::string& file, Bytes bytes) {
  constexpr std::size_t kHeader = 8;  // what the length in it does not count
  const std::size_t length = kHeader + little_endian(bytes, 4, 4);
  if (length > bytes.size())
    throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                     "the WebP ends too early", fmt::format("{} bytes", bytes.size()), fmt::format("{}", length));
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(data_of(bytes), bytes.size(), &features);
  if (status != VP8_STATUS_OK) throw webp_error(file, bytes, "the WebP's header is damaged", status);
  check_extents(file, features.height, features.width);
  return features;
}

// The first picture as RGBA.
std::vector<float> first_of_animation(const std::string& file, const WebPData& data, std::size_t samples) {
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) throw Error(ErrorCode::internal, "another version of libwebpdemux");
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(WebPAnimDecoderNew(&data, &options),
                                                                             WebPAnimDecoderDelete);
  std::uint8_t* pixels = nullptr;
  int time = 0;
  if (!decoder || WebPAnimDecoderGetNext(decoder.get(), &pixels, &time) == 0)
    throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the animated WebP cannot be decoded");
  return scaled_values(pixels, samples, 8);
}

int webp_orientation(const WebPData& data) {
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data), WebPDemuxDelete);
  if (!demuxer) return 1;
  WebPChunkIterator chunk;
  const bool found = WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0;
  const int orientation = found ? exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size))) : 1;
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

std::vector<float> decode_still(const std::string& file, Bytes bytes, const Image& image, std::size_t samples) {
  const auto pixels = std::make_unique_for_overwrite<std::uint8_t[]>(samples);
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw Error(ErrorCode::internal, "another version of libwebp");
  config.output.colorspace = image.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels.get(), image.width * image.channels, samples};
  const VP8StatusCode status = WebPDecode(data_of(bytes), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) throw webp_error(file, bytes, "the WebP cannot be decoded", status);
  return scaled_values(pixels.get(), samples, 8);
}

StoredImage read_webp(const std::string& file, Bytes bytes, int /*least_side*/) {
  const WebPBitstreamFeatures features = read_webp_header(file, bytes);
  const bool animated = features.has_animation != 0;
  Image image{features.height, features.width, animated || features.has_alpha != 0 ? 4 : 3, {}};
  const std::size_t samples = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) *
                              static_cast<std::size_t>(image.channels);
  const WebPData data = {data_of(bytes), bytes.size()};
  image.values = animated ? first_of_animation(file, data, samples) : decode_still(file, bytes, image, samples);
  return {std::move(image), webp_orientation(data)};
}

bool is_webp(Bytes bytes) { return starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8); }
ImageHeader check_webp(const std::string& file, Bytes bytes) {
  const WebPBitstreamFeatures features = read_webp_header(file, bytes);
  return {features.height, features.width, features.has_animation != 0};
}

}  // namespace

const ImageFormat kWebp = {is_webp, check_webp, read_webp};

}  // namespace loom
