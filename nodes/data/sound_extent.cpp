#include "sound_extent.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "loom/dataset.h"

namespace loom {
namespace {

using Bytes = std::span<const std::byte>;

// A file that is a sequence of chunks, each with a name and a length.
struct ChunkFormat {
  std::string_view magic;  // at the start of the file
  std::size_t first;       // where the first chunk begins
  std::string_view data;   // the name of the chunk of samples
  std::size_t name_bytes, length_bytes;
  bool big_endian, counts_header;  // of the length
  std::size_t alignment;
};

constexpr ChunkFormat kChunkFormats[] = {
    {"RIFF", 12, "data", 4, 4, false, false, 2}, {"RIFX", 12, "data", 4, 4, true, false, 2},
    {"RF64", 12, "data", 4, 4, false, false, 2}, {"FORM", 12, "SSND", 4, 4, true, false, 2},
    {"caff", 8, "data", 4, 8, true, false, 1},   {"riff", 40, "data", 16, 8, false, true, 8},
};

std::string_view text_at(Bytes bytes, std::size_t at, std::size_t count) {
  if (at > bytes.size() || count > bytes.size() - at) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + at, count};
}

std::uint64_t number_at(Bytes bytes, std::size_t at, std::size_t count, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = at + (big_endian ? i : count - 1 - i);
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[place]);
  }
  return value;
}

bool is_unknown(std::uint64_t length, std::size_t bytes) {
  return length == 0 || (bytes == 4 ? length >= 0xFFFFFF00U : length >= 0xFFFFFFFFFFFFFF00U);
}

// The end of the samples, or none if the header does not say. A header that ends before the samples has its own end.
std::optional<std::uint64_t> end_of_chunks(Bytes bytes, const ChunkFormat& format) {
  const std::size_t header = format.name_bytes + format.length_bytes;
  std::uint64_t wide = 0;  // RF64: the length of the samples stands in a chunk of its own
  for (std::uint64_t at = format.first; at < bytes.size();) {
    if (bytes.size() - at < header) return at + header;
    const std::string_view name = text_at(bytes, at, 4);
    std::uint64_t length = number_at(bytes, at + format.name_bytes, format.length_bytes, format.big_endian);
    if (name == "ds64" && bytes.size() - at >= 24) wide = number_at(bytes, at + 16, 8, false);
    if (name == format.data) {
      if (is_unknown(length, format.length_bytes)) length = wide;
      if (is_unknown(length, 8)) return {};
      return at + (format.counts_header ? 0 : header) + length;
    }
    const std::uint64_t whole = std::max<std::uint64_t>(length + (format.counts_header ? 0 : header), header);
    if (whole > bytes.size() - at) return at + std::min<std::uint64_t>(whole, std::uint64_t{1} << 62U);
    at += (whole + format.alignment - 1) / format.alignment * format.alignment;
  }
  return {};
}

std::optional<std::uint64_t> end_of_au(Bytes bytes) {
  if (bytes.size() < 12) return 24;
  const bool big_endian = text_at(bytes, 0, 4) == ".snd";
  const std::uint64_t length = number_at(bytes, 8, 4, big_endian);
  if (is_unknown(length, 4)) return {};
  return number_at(bytes, 4, 4, big_endian) + length;
}

// The end of the last page. A page: "OggS", 22 bytes, the number of its segments, their lengths, the segments.
std::optional<std::uint64_t> end_of_ogg(Bytes bytes) {
  const std::size_t from = bytes.size() - std::min<std::size_t>(bytes.size(), 1U << 17U);  // a page has at most 65,307
  const std::size_t last = text_at(bytes, from, bytes.size() - from).rfind("OggS");
  if (last == std::string_view::npos) return {};
  const std::size_t page = from + last;
  if (bytes.size() - page < 27) return page + 27;
  const std::size_t segments = std::to_integer<std::size_t>(bytes[page + 26]);
  std::uint64_t end = page + 27 + segments;
  for (std::size_t i = 0; i < segments && page + 27 + i < bytes.size(); ++i)
    end += std::to_integer<std::uint64_t>(bytes[page + 27 + i]);
  return end;
}

// The end of an MP3 stream whose first frame says how many bytes there are: a frame named Xing or Info.
std::optional<std::uint64_t> end_of_mp3(Bytes bytes) {
  std::size_t frame = 0;
  if (text_at(bytes, 0, 3) == "ID3" && bytes.size() > 10) {  // a tag, its length in four times seven bits
    frame = 10;
    for (std::size_t i = 0; i < 4; ++i) frame += std::to_integer<std::size_t>(bytes[6 + i]) << (7 * (3 - i));
  }
  if (frame + 2 > bytes.size() || number_at(bytes, frame, 2, true) < 0xFFE0) return {};
  const std::string_view start = text_at(bytes, frame, std::min<std::size_t>(64, bytes.size() - frame));
  const std::size_t name = std::min(start.find("Xing"), start.find("Info"));
  if (name == std::string_view::npos || bytes.size() - frame - name < 16) return {};
  const std::uint64_t flags = number_at(bytes, frame + name + 4, 4, true);
  if ((flags & 2U) == 0) return {};
  return frame + number_at(bytes, frame + name + ((flags & 1U) != 0 ? 12 : 8), 4, true);
}

std::optional<std::uint64_t> end_of_samples(Bytes bytes) {
  const std::string_view magic = text_at(bytes, 0, 4);
  for (const ChunkFormat& format : kChunkFormats) {
    if (magic == format.magic) return end_of_chunks(bytes, format);
  }
  if (magic == ".snd" || magic == "dns.") return end_of_au(bytes);
  if (magic == "OggS") return end_of_ogg(bytes);
  return end_of_mp3(bytes);
}

}  // namespace

void require_all_samples(const std::string& path, Bytes bytes) {
  const std::optional<std::uint64_t> end = end_of_samples(bytes);
  const std::size_t size = bytes.size();
  if (!end || *end <= size) return;
  throw file_error(ErrorCode::data_truncated, path, static_cast<std::int64_t>(size), "the recording ends early",
                   fmt::format("{} bytes", size), fmt::format("at least {} bytes", *end));
}

}  // namespace loom
