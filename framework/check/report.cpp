#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "check/node_call.h"
#include "loom/check.h"
#include "loom/error.h"
#include "loom/random.h"

namespace loom::check {
namespace {

std::vector<double> as_doubles(const TensorView& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.count()));
  const auto take = [&](auto span) { std::copy(span.begin(), span.end(), values.begin()); };
  if (tensor.dtype() == DType::f32) take(tensor.values<float>());
  if (tensor.dtype() == DType::i32) take(tensor.values<std::int32_t>());
  if (tensor.dtype() == DType::u8) take(tensor.values<std::uint8_t>());
  return values;
}

// "[2, 0, 3]": the position of element `index` in a tensor of that shape.
std::string place(const Shape& shape, std::int64_t index) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    indices[static_cast<std::size_t>(axis)] = index % shape[axis];
    index /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

template <class T>
Tensor filled(DType dtype, const Shape& shape, const std::vector<T>& values) {
  if (static_cast<std::int64_t>(values.size()) != shape.count()) {
    throw Error(ErrorCode::shape_mismatch,
                fmt::format("{} values were given for a tensor of {}", values.size(), shape.text()));
  }
  Tensor tensor(dtype, shape);
  std::copy(values.begin(), values.end(), tensor.values<T>().begin());
  return tensor;
}

}  // namespace

Deviation deviation(const std::string& what, const TensorView& got, const TensorView& expected) {
  if (!(got.shape() == expected.shape()) || got.dtype() != expected.dtype()) return {HUGE_VAL, what + ", its shape"};
  const std::vector<double> a = as_doubles(got), b = as_doubles(expected);
  double scale = 0;
  for (double value : b) scale = std::max(scale, std::abs(value));
  double worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double off = std::abs(a[i] - b[i]) / (scale > 0 ? scale : 1), error = std::isnan(off) ? HUGE_VAL : off;
    if (error <= worst) continue;
    worst = error;
    where = i;
  }
  if (worst == 0) return {};
  return {worst, fmt::format("{}, element {} of {}", what, place(got.shape(), static_cast<std::int64_t>(where)),
                             got.shape().text())};
}

Tensor tensor_of(const Shape& shape, const std::vector<float>& values) { return filled(DType::f32, shape, values); }
Tensor tensor_of(const Shape& shape, const std::vector<std::int32_t>& values) {
  return filled(DType::i32, shape, values);
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed, double scale, double offset) {
  Tensor tensor(DType::f32, shape);
  RandomStream(seed, stream_of("testing"), 0).normal(0, tensor.values());
  for (float& value : tensor.values()) value = static_cast<float>(offset + scale * static_cast<double>(value));
  return tensor;
}

std::string Report::text() const {
  if (checks == 0) return "nothing was checked";
  if (failures.empty()) return fmt::format("{} checks passed", checks);
  return fmt::format("{} of {} checks failed:\n  {}", failures.size(), checks, fmt::join(failures, "\n  "));
}

void Report::add(const Report& other) {
  checks += other.checks;
  failures.insert(failures.end(), other.failures.begin(), other.failures.end());
}

void compare(Report& report, const std::string& what, const TensorView& got, const TensorView& expected,
             double tolerance) {
  ++report.checks;
  if (!(got.shape() == expected.shape()) || got.dtype() != expected.dtype()) {
    report.failures.push_back(fmt::format("{}: got {} {}, expected {} {}", what, name_of(got.dtype()),
                                          got.shape().text(), name_of(expected.dtype()), expected.shape().text()));
    return;
  }
  const std::vector<double> a = as_doubles(got), b = as_doubles(expected);
  double scale = 0, worst = 0;
  std::size_t where = 0;
  for (double value : b) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    const double difference = same ? 0 : std::abs(a[i] - b[i]);
    if (!(difference <= worst)) {  // NaN counts as the largest
      worst = difference;
      where = i;
      if (std::isnan(worst)) break;
    }
  }
  if (worst <= tolerance * scale) return;
  report.failures.push_back(
      fmt::format("{}: element {} of {} is {}, expected {} (relative to the largest: {:.2e}, allowed {:.0e})", what,
                  place(got.shape(), static_cast<std::int64_t>(where)), got.shape().text(), a[where], b[where],
                  worst / scale, tolerance));
}

}  // namespace loom::check
