#include "runner/npy.h"

#include <fmt/format.h>

#include <string_view>

#include "train/atomic_file.h"

namespace loom::runner {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kPreamble = 10;  // magic, version 1.0, two bytes of header length
constexpr std::size_t kAlignment = 64;

}  // namespace

void write_npy(const std::string& path, const TensorView& values) {
  const char* descr = values.dtype() == DType::f32 ? "<f4" : values.dtype() == DType::i32 ? "<i4" : "|u1";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", descr);
  for (const std::int64_t extent : values.shape().extents()) header += fmt::format("{},", extent);
  header += "), }";
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::string preamble(kMagic);
  preamble += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  AtomicFile file(path);
  file.write(preamble + header);
  file.write(std::string_view(static_cast<const char*>(values.raw()), values.bytes()));
  file.commit();
}

}  // namespace loom::runner
