#include "runner/npy.h"

#include <string_view>

#include "io/atomic_file.h"
#include "io/npy.h"

namespace loom::runner {

void write_npy(const std::string& path, const TensorView& values) {
  AtomicFile file(path);
  file.write(npy_header(values.dtype(), values.shape()));
  file.write(std::string_view(static_cast<const char*>(values.raw()), values.bytes()));
  file.commit();
}

}  // namespace loom::runner
