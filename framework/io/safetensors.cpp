// Opens safetensors files. Nothing in a file is trusted before it is checked against the file's size.
#include "io/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "io/safetensors_format.h"
#include "loom/error.h"

namespace loom {
namespace {

using Json = nlohmann::json;

constexpr int kDeepestHeader = 3;  // header, tensor, list

// Parses strictly: no duplicate keys, no nesting beyond that of the format. Throws std::exception with the reason.
Json parse_strictly(const std::string& text) {
  std::vector<std::vector<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepestHeader) throw std::runtime_error("the header is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) {
      std::vector<std::string>& own = keys.back();
      std::ranges::sort(own);
      const auto twin = std::ranges::adjacent_find(own);
      if (twin != own.end()) throw std::runtime_error(fmt::format("'{}' occurs twice", *twin));
      keys.pop_back();
    }
    if (event == Json::parse_event_t::key) keys.back().push_back(parsed.get<std::string>());
    return true;
  };
  return Json::parse(text, watch);
}

// The number of bytes for dtype and extents; false if it does not fit in 64 bits or the dtype is unknown.
bool byte_count(const SafetensorsFile::Entry& entry, std::uint64_t& bytes) {
  bytes = safetensors_size(entry.dtype);
  if (bytes == 0) return false;
  for (const std::int64_t extent : entry.extents) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) return false;
  }
  return true;
}

bool is_natural(const Json& value) {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

bool all_natural(const Json& list) { return list.is_array() && std::ranges::all_of(list, is_natural); }

}  // namespace

std::string SafetensorsFile::Entry::text() const { return fmt::format("{} [{}]", dtype, fmt::join(extents, ", ")); }

SafetensorsFile::SafetensorsFile(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    const int reason = descriptor_ >= 0 && errno == 0 ? EINVAL : errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    Diagnostic finding;
    finding.code = ErrorCode::read_failed;
    finding.where = {path_, 0, 0};
    finding.message = fmt::format("cannot open: {}", std::generic_category().message(reason));
    throw Error(std::move(finding));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  try {
    read_header();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() { ::close(descriptor_); }

void SafetensorsFile::corrupt(std::string message, std::uint64_t offset, std::string got, std::string expected) const {
  Diagnostic finding;
  finding.code = ErrorCode::checkpoint_corrupt;
  finding.where = {path_, 0, 0};
  finding.message = fmt::format("{} (at byte {})", message, offset);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  throw Error(std::move(finding));
}

void SafetensorsFile::read_bytes(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      corrupt("the file ends early or cannot be read", offset,
              got < 0 ? std::generic_category().message(errno) : "the end", fmt::format("{} more bytes", out.size()));
    }
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void SafetensorsFile::read_header() {
  if (size_ < 8)
    corrupt("the file is too short", size_, fmt::format("{} bytes", size_),
            "at least the 8 bytes of the header's length");
  std::array<std::byte, 8> bytes;
  read_bytes(0, bytes);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > size_ - 8 || length > kLongestHeader) {
    corrupt("the header is longer than the file or than any header", 0, fmt::format("{} bytes", length),
            fmt::format("at most {} bytes", std::min(size_ - 8, kLongestHeader)));
  }
  std::string header(length, '\0');
  read_bytes(8, std::as_writable_bytes(std::span(header)));
  data_start_ = 8 + length;
  parse_header(header);
  check_coverage();
  if (!has_checksum()) return;
  const std::size_t found = header.find(kChecksumPattern);
  const std::string& digits = metadata_.at("checksum");
  if (found == std::string::npos || digits.size() != kChecksumPrefix.size() + kChecksumDigits) {
    corrupt("the checksum has the wrong format", 8, digits, "crc32: and eight digits");
  }
  checksum_at_ = 8 + found + kChecksumPattern.size();
}

void SafetensorsFile::parse_header(const std::string& text) {
  Json header;
  try {
    header = parse_strictly(text);
  } catch (const Json::parse_error& error) {
    corrupt("the header is not JSON", 8 + error.byte, error.what());
  } catch (const std::exception& error) {
    corrupt("the header is not one of this format", 8, error.what());
  }
  if (!header.is_object()) corrupt("the header is not a JSON object", 8, header.type_name(), "an object");
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) corrupt("__metadata__ is not an object", 8, value.type_name(), "an object");
      for (const auto& [key, item] : value.items()) {
        if (!item.is_string()) corrupt(fmt::format("metadata '{}' is not text", key), 8, item.type_name(), "a string");
        metadata_[key] = item.get<std::string>();
      }
      continue;
    }
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() || !value.contains("shape") ||
        !all_natural(value["shape"]) || !value.contains("data_offsets") || !all_natural(value["data_offsets"]) ||
        value["data_offsets"].size() != 2 || value.size() != 3) {
      corrupt(fmt::format("'{}' is not described as a tensor", name), 8,
              value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 200),
              "dtype, shape and two data_offsets");
    }
    Entry entry;
    entry.dtype = value["dtype"].get<std::string>();
    entry.extents = value["shape"].get<std::vector<std::int64_t>>();
    entry.begin = value["data_offsets"][0].get<std::uint64_t>();
    entry.end = value["data_offsets"][1].get<std::uint64_t>();
    entries_[name] = std::move(entry);
  }
}

void SafetensorsFile::check_coverage() const {
  const std::uint64_t data_size = size_ - data_start_;
  std::vector<const std::pair<const std::string, Entry>*> order;
  for (const auto& item : entries_) {
    const Entry& entry = item.second;
    std::uint64_t bytes = 0;
    if (entry.begin > entry.end || entry.end > data_size) {
      corrupt(fmt::format("'{}' is outside the file", item.first), data_start_ + std::min(entry.begin, data_size),
              fmt::format("bytes {} to {} of the data", entry.begin, entry.end),
              fmt::format("within {} bytes", data_size));
    }
    if (!byte_count(entry, bytes) || bytes != entry.end - entry.begin) {
      corrupt(fmt::format("'{}' has a size that does not match its shape", item.first), data_start_ + entry.begin,
              fmt::format("{} bytes", entry.end - entry.begin), entry.text());
    }
    order.push_back(&item);
  }
  std::ranges::sort(order, {}, [](const auto* item) { return std::pair(item->second.begin, item->second.end); });
  std::uint64_t position = 0;
  for (const auto* item : order) {
    if (item->second.begin != position) {
      corrupt(fmt::format("'{}' {}", item->first,
                          item->second.begin < position ? "overlaps another tensor" : "leaves a hole before it"),
              data_start_ + item->second.begin, fmt::format("data_offsets from {}", item->second.begin),
              fmt::format("{}", position));
    }
    position = item->second.end;
  }
  if (position != data_size) {
    corrupt("there are bytes after the last tensor", data_start_ + position,
            fmt::format("{} bytes", data_size - position), "the end of the file");
  }
}

}  // namespace loom
