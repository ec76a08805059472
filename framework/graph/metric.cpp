#include "loom/metric.h"

namespace loom {

OptionValue list_of(const std::vector<double>& values) {
  return std::vector<OptionValue>(values.begin(), values.end());
}
OptionValue list_of(const std::vector<std::int64_t>& values) {
  return std::vector<OptionValue>(values.begin(), values.end());
}

}  // namespace loom
