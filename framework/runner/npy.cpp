#include "runner/npy.h"

#include <string_view>

#include "data/npy.h"
#include "train/atomic_file.h"

namespace loom::runner {

void write_npy(const std::string& path, const TensorView& values) {
  AtomicFile file(path);
  file.write(data::npy_header(values.dtype(), values.shape()));
  file.write(std::string_view(static_cast<const char*>(values.raw()), values.bytes()));
  file.commit();
}

}  // namespace loom::runner
