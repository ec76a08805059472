#include "orientation.h"

namespace loom {

int exif_orientation(Bytes block) {
  if (starts_with(block, std::string_view("Exif\0\0", 6))) block = block.subspan(6);
  const bool little = starts_with(block, std::string_view("II*\0", 4));
  if (block.size() < 8 || (!little && !starts_with(block, std::string_view("MM\0*", 4)))) return 1;
  const auto number = [&](std::size_t at, std::size_t count) {
    return little ? little_endian(block, at, count) : big_endian(block, at, count);
  };
  constexpr std::size_t kEntry = 12;
  constexpr std::uint32_t kOrientation = 0x0112, kShort = 3;
  const std::size_t directory = number(4, 4);
  if (directory + 2 > block.size()) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > block.size()) return 1;
    if (number(at, 2) != kOrientation || number(at + 2, 2) != kShort) continue;
    const std::uint32_t value = number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swapped = orientation >= 5;
  const bool rows_reversed = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns_reversed = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image turned{swapped ? image.width : image.height, swapped ? image.height : image.width, image.channels, {}};
  turned.values.reserve(image.values.size());
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x) {
      const int row = swapped ? x : y, column = swapped ? y : x;
      const auto from = (static_cast<std::ptrdiff_t>(rows_reversed ? image.height - 1 - row : row) * image.width +
                         (columns_reversed ? image.width - 1 - column : column)) *
                        image.channels;
      const auto pixel = image.values.begin() + from;
      turned.values.insert(turned.values.end(), pixel, pixel + image.channels);
    }
  }
  return turned;
}

}  // namespace loom
