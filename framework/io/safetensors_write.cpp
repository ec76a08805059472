// Writes safetensors files.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "io/safetensors_format.h"
#include "loom/error.h"

namespace loom {
namespace {

std::vector<const NamedTensor*> sorted_by_name(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, &NamedTensor::name);
  const auto twin = std::ranges::adjacent_find(order, {}, &NamedTensor::name);
  if (twin != order.end()) throw Error(ErrorCode::internal, fmt::format("two tensors are named '{}'", (*twin)->name));
  return order;
}

std::string make_header(const std::vector<const NamedTensor*>& order, TextMap metadata) {
  nlohmann::json header;
  metadata["checksum"] = std::string(kChecksumPrefix) + std::string(kChecksumDigits, '0');
  header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const NamedTensor* tensor : order) {
    const std::uint64_t end = offset + tensor->view.bytes();
    const auto extents = tensor->view.shape().extents();
    header[tensor->name] = {{"dtype", safetensors_name(tensor->view.dtype())},
                            {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                            {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append((kHeaderAlignment - (text.size() + 8) % kHeaderAlignment) % kHeaderAlignment, ' ');
  return text;
}

std::span<const std::byte> bytes_of(const TensorView& view) {
  return {static_cast<const std::byte*>(view.raw()), view.bytes()};
}

std::string length_bytes(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xFF);
  return bytes;
}

std::uint32_t checksum(std::string_view head, const std::vector<const NamedTensor*>& order) {
  uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(head.data()), head.size());
  for (const NamedTensor* tensor : order) {
    const auto bytes = bytes_of(tensor->view);
    if (!bytes.empty()) crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const NamedTensor> tensors, TextMap metadata, bool sync) {
  const auto order = sorted_by_name(tensors);
  const std::string header = make_header(order, std::move(metadata));
  std::string head = length_bytes(header.size()) + header;
  const std::uint32_t crc = checksum(head, order);
  head.replace(head.find(kChecksumPattern) + kChecksumPattern.size(), kChecksumDigits, fmt::format("{:08x}", crc));
  AtomicFile file(path);
  file.write(head);
  for (const NamedTensor* tensor : order) file.write(bytes_of(tensor->view));
  file.commit(sync);
}

}  // namespace loom
