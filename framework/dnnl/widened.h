// Private to framework/dnnl: kernels that compute in f32, on values that are stored in bf16.
#pragma once

#include <cstdint>
#include <memory>

#include "dnnl/kernels.h"

namespace loom::dnnl {

struct StoredValues {
  std::int64_t count = 0;
  bool is_bf16 = false;
};

// `kernel` itself where all are f32.
std::unique_ptr<const ForwardKernel> widened(std::unique_ptr<const ForwardKernel> kernel, StoredValues x,
                                             StoredValues y);
std::unique_ptr<const BackwardWeightsKernel> widened(std::unique_ptr<const BackwardWeightsKernel> kernel,
                                                     StoredValues x, StoredValues diff_y);

}  // namespace loom::dnnl
