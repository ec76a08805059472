// TIFF by libtiff: the first image of a file. libtiff's own conversion to RGBA is not used: it keeps 8 bits.
#include <tiffio.h>

#include <array>
#include <limits>
#include <memory>

#include "image_formats.h"

namespace loom {
namespace {

using Tiff = std::unique_ptr<TIFF, void (*)(TIFF*)>;

// A file in memory, and what libtiff says about it.
struct Memory {
  explicit Memory(Bytes all) : bytes(all) {}
  Bytes bytes;
  std::size_t at = 0;
  std::string reason;
};

tmsize_t read_some(thandle_t handle, void* to, tmsize_t count) {
  auto& memory = *static_cast<Memory*>(handle);
  const std::size_t part = std::min(static_cast<std::size_t>(count), memory.bytes.size() - memory.at);
  std::memcpy(to, memory.bytes.data() + memory.at, part);
  memory.at += part;
  return static_cast<tmsize_t>(part);
}
tmsize_t write_none(thandle_t /*handle*/, void* /*from*/, tmsize_t /*count*/) { return -1; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto& memory = *static_cast<Memory*>(handle);
  const toff_t base = whence == SEEK_CUR ? memory.at : whence == SEEK_END ? memory.bytes.size() : 0;
  memory.at = static_cast<std::size_t>(std::min<toff_t>(base + offset, memory.bytes.size()));
  return memory.at;
}
int close_none(thandle_t /*handle*/) { return 0; }
toff_t size_of(thandle_t handle) { return static_cast<Memory*>(handle)->bytes.size(); }

int keep_reason(TIFF* /*tiff*/, void* to, const char* /*module*/, const char* format, va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  auto& reason = static_cast<Memory*>(to)->reason;
  if (reason.empty()) reason = text.data();
  return 1;
}
int ignore(TIFF* /*tiff*/, void* /*to*/, const char* /*module*/, const char* /*format*/, va_list /*arguments*/) {
  return 1;
}

Tiff open_tiff(const std::string& file, Memory& memory) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_reason, &memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostPixels * 16);
  Tiff tiff(TIFFClientOpenExt(file.c_str(), "rm", &memory, read_some, write_none, seek, close_none, size_of, nullptr,
                              nullptr, options.get()),
            TIFFClose);
  if (!tiff)
    throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the TIFF's header is damaged or cut off",
                     memory.reason);
  return tiff;
}

struct Layout {
  std::uint32_t height = 0, width = 0, block_height = 0, block_width = 0;  // a block: a tile, or a strip of rows
  std::uint16_t samples = 1, bits = 1, meaning = 0;
  bool planes = false, tiled = false;
  int colours = 1;          // channels that are no alpha
  std::uint16_t alpha = 0;  // EXTRASAMPLE_...; 0: none
};

template <class T>
T field(const Tiff& tiff, std::uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff.get(), tag, &value) != 0 ? value : otherwise;
}

[[noreturn]] void refuse_tiff(const std::string& file, const std::string& got, const std::string& expected) {
  throw file_error(ErrorCode::data_wrong_format, file, kNoOffset, "this kind of TIFF is not read", got, expected);
}

void check_kind(const std::string& file, const Tiff& tiff, Layout& layout) {
  const auto format = field<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
    refuse_tiff(file, format == SAMPLEFORMAT_IEEEFP ? "floating-point values" : "signed or complex values",
                "unsigned integers, whose largest value is known");
  if (layout.bits == 0 || (layout.bits > 16 && layout.bits != 32))
    refuse_tiff(file, fmt::format("{} bits", layout.bits), "1 to 16 or 32");
  const auto compression = field<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(compression) == 0)
    refuse_tiff(file, fmt::format("compression {}", compression), "a compression that libtiff was built with");
  if (layout.meaning == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    layout.meaning = PHOTOMETRIC_RGB;
  }
  constexpr const char* kKinds = "gray, palette, RGB or CMYK";
  switch (layout.meaning) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE: layout.colours = 1; break;
    case PHOTOMETRIC_RGB: layout.colours = 3; break;
    case PHOTOMETRIC_SEPARATED: layout.colours = 4; break;
    case PHOTOMETRIC_YCBCR: refuse_tiff(file, "YCbCr that is not JPEG", kKinds);
    case PHOTOMETRIC_CIELAB: refuse_tiff(file, "CIE Lab", kKinds);
    default: refuse_tiff(file, fmt::format("photometric interpretation {}", layout.meaning), kKinds);
  }
  if (layout.meaning == PHOTOMETRIC_PALETTE && layout.bits > 8)
    refuse_tiff(file, "a palette of more than 8 bits", "8 bits");
  if (layout.samples < layout.colours || layout.samples > layout.colours + 1)
    refuse_tiff(file, fmt::format("{} channels", layout.samples), fmt::format("{} and perhaps alpha", layout.colours));
  std::uint16_t count = 0;
  std::uint16_t* kinds = nullptr;
  if (layout.samples > layout.colours && TIFFGetField(tiff.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds) != 0 &&
      count > 0)
    layout.alpha = kinds[0];
}

Layout read_layout(const std::string& file, const Tiff& tiff) {
  Layout layout;
  layout.height = field<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0);
  layout.width = field<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0);
  check_extents(file, layout.height, layout.width);
  layout.samples = field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  layout.bits = field<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  layout.meaning = field<std::uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  layout.planes = field<std::uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  layout.tiled = TIFFIsTiled(tiff.get()) != 0;
  check_kind(file, tiff, layout);
  layout.block_height = field<std::uint32_t>(tiff, layout.tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, 0);
  layout.block_width = layout.tiled ? field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0) : layout.width;
  if (!layout.tiled) layout.block_height = std::min(layout.block_height, layout.height);
  check_extents(file, layout.block_height, layout.block_width);
  return layout;
}

// Sample number `index` of a row, over the largest; without `scaled` as it is stored.
float sample(const unsigned char* row, std::size_t index, std::uint32_t bits, bool scaled) {
  std::uint64_t value = 0;
  if (bits == 8) {
    value = row[index];
  } else if (bits == 16) {
    std::uint16_t word = 0;
    std::memcpy(&word, row + 2 * index, sizeof word);
    value = word;
  } else if (bits == 32) {
    std::uint32_t word = 0;
    std::memcpy(&word, row + 4 * index, sizeof word);
    value = word;
  } else {
    for (std::size_t bit = index * bits; bit < (index + 1) * bits; ++bit)
      value = value << 1 | (row[bit / 8] >> (7 - bit % 8) & 1U);
  }
  if (!scaled) return static_cast<float>(value);
  return static_cast<float>(static_cast<double>(value) / static_cast<double>((std::uint64_t{1} << bits) - 1));
}

// Copies one decoded block to its place in `values` ([height, width, samples]).
void place(const Layout& layout, const unsigned char* block, std::size_t stride, std::uint32_t top, std::uint32_t left,
           std::uint16_t plane, std::vector<float>& values) {
  const std::uint32_t height = std::min(layout.block_height, layout.height - top);
  const std::uint32_t width = std::min(layout.block_width, layout.width - left);
  const std::size_t together = layout.planes ? 1 : layout.samples;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t to = ((top + y) * layout.width + left + x) * layout.samples + plane;
      for (std::size_t c = 0; c < together; ++c)
        values[to + c] =
            sample(block + y * stride, x * together + c, layout.bits, layout.meaning != PHOTOMETRIC_PALETTE);
    }
  }
}

std::vector<float> read_samples(const std::string& file, const Tiff& tiff, const Layout& layout,
                                const std::string& reason) {
  const tmsize_t size = layout.tiled ? TIFFTileSize(tiff.get()) : TIFFStripSize(tiff.get());
  const tmsize_t stride = layout.tiled ? TIFFTileRowSize(tiff.get()) : TIFFScanlineSize(tiff.get());
  const std::size_t row =
      (static_cast<std::size_t>(layout.block_width) * (layout.planes ? 1 : layout.samples) * layout.bits + 7) / 8;
  if (size <= 0 || stride <= 0 || static_cast<std::size_t>(stride) < row || size / stride < layout.block_height)
    throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the TIFF's blocks have an impossible size", reason);
  const auto block = std::make_unique_for_overwrite<unsigned char[]>(static_cast<std::size_t>(size));
  std::vector<float> values;
  const std::uint16_t planes = layout.planes ? layout.samples : std::uint16_t{1};
  for (std::uint16_t plane = 0; plane < planes; ++plane) {
    for (std::uint32_t top = 0; top < layout.height; top += layout.block_height) {
      for (std::uint32_t left = 0; left < layout.width; left += layout.block_width) {
        const tmsize_t needed = layout.tiled ? size : stride * std::min(layout.block_height, layout.height - top);
        const tmsize_t got =
            layout.tiled
                ? TIFFReadEncodedTile(tiff.get(), TIFFComputeTile(tiff.get(), left, top, 0, plane), block.get(), size)
                : TIFFReadEncodedStrip(tiff.get(), TIFFComputeStrip(tiff.get(), top, plane), block.get(), needed);
        if (got < needed)
          throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the TIFF cannot be decoded", reason);
        // Only now: a header that asks for more than the file holds has failed before.
        if (values.empty()) values.resize(std::size_t{layout.height} * layout.width * layout.samples);
        place(layout, block.get(), static_cast<std::size_t>(stride), top, left, plane, values);
      }
    }
  }
  return values;
}

// Three tables of 16 bits. Many programs write 8 bits as their high byte, some as they are.
std::vector<float> through_palette(const std::string& file, const Tiff& tiff, const Layout& layout,
                                   const std::vector<float>& samples) {
  std::array<std::uint16_t*, 3> tables{};
  if (TIFFGetField(tiff.get(), TIFFTAG_COLORMAP, &tables[0], &tables[1], &tables[2]) == 0)
    throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the TIFF has no palette");
  const std::size_t colours = std::size_t{1} << layout.bits;
  bool low_bytes = false, high_bytes = false;
  for (const std::uint16_t* table : tables) {
    for (std::size_t i = 0; i < colours; ++i) {
      low_bytes = low_bytes || (table[i] & 0xFF) != 0;
      high_bytes = high_bytes || table[i] > 0xFF;
    }
  }
  std::vector<float> values;
  values.reserve(samples.size() * 3);
  for (std::size_t i = 0; i < samples.size(); i += layout.samples) {
    for (const std::uint16_t* table : tables) {
      const std::uint16_t value = table[static_cast<std::size_t>(samples[i])];
      values.push_back(!high_bytes ? static_cast<float>(value) / 255.0F
                       : low_bytes ? static_cast<float>(value) / 65535.0F
                                   : static_cast<float>(value >> 8) / 255.0F);
    }
  }
  return values;
}

// Gray or RGB, with alpha if there is one, from the samples of a pixel.
std::vector<float> colours_of(const Layout& layout, const std::vector<float>& samples) {
  std::vector<float> values;
  values.reserve(samples.size());
  for (std::size_t i = 0; i < samples.size(); i += layout.samples) {
    const float* pixel = samples.data() + i;
    const float alpha = layout.alpha != 0 ? pixel[layout.colours] : 1;
    for (int c = 0; c < std::min(layout.colours, 3); ++c) {
      float value = pixel[c];
      if (layout.meaning == PHOTOMETRIC_MINISWHITE) value = 1 - value;
      if (layout.meaning == PHOTOMETRIC_SEPARATED) value = (1 - value) * (1 - pixel[3]);
      if (layout.alpha == EXTRASAMPLE_ASSOCALPHA) value = alpha > 0 ? std::min(1.0F, value / alpha) : 0;
      values.push_back(value);
    }
    if (layout.alpha != 0) values.push_back(alpha);
  }
  return values;
}

StoredImage read_tiff(const std::string& file, Bytes bytes, int /*least_side*/) {
  Memory memory(bytes);
  const Tiff tiff = open_tiff(file, memory);
  const Layout layout = read_layout(file, tiff);
  const std::vector<float> samples = read_samples(file, tiff, layout, memory.reason);
  Image image{static_cast<int>(layout.height), static_cast<int>(layout.width), 0, {}};
  const bool palette = layout.meaning == PHOTOMETRIC_PALETTE;
  image.values = palette ? through_palette(file, tiff, layout, samples) : colours_of(layout, samples);
  image.channels = palette ? 3 : std::min(layout.colours, 3) + (layout.alpha != 0 ? 1 : 0);
  return {std::move(image), field<std::uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT)};
}

ImageHeader check_tiff(const std::string& file, Bytes bytes) {
  Memory memory(bytes);
  const Tiff tiff = open_tiff(file, memory);
  const Layout layout = read_layout(file, tiff);
  const std::uint32_t blocks = layout.tiled ? TIFFNumberOfTiles(tiff.get()) : TIFFNumberOfStrips(tiff.get());
  for (std::uint32_t i = 0; i < blocks; ++i) {
    const std::uint64_t offset = TIFFGetStrileOffset(tiff.get(), i), count = TIFFGetStrileByteCount(tiff.get(), i);
    if (offset == 0 || count > bytes.size() || offset > bytes.size() - count)
      throw file_error(ErrorCode::data_truncated, file, static_cast<std::int64_t>(bytes.size()),
                       "the TIFF ends before its pixels", fmt::format("{} bytes", bytes.size()),
                       fmt::format("{} bytes from byte {} on", count, offset));
  }
  return {layout.height, layout.width, TIFFLastDirectory(tiff.get()) == 0};
}

bool is_tiff(Bytes bytes) {
  for (const std::string_view magic : {std::string_view("II*\0", 4), std::string_view("MM\0*", 4),
                                       std::string_view("II+\0", 4), std::string_view("MM\0+", 4)}) {
    if (starts_with(bytes, magic)) return true;
  }
  return false;
}

}  // namespace

const ImageFormat kTiff = {is_tiff, check_tiff, read_tiff};

}  // namespace loom
