#include "check/window_check.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "check/node_call.h"

namespace loom::check {
namespace {

// Another value that the port takes: codes become smaller, as they may be the largest already.
void change(const TensorView& input, const PortDeclaration& port, std::int64_t element) {
  const auto at = static_cast<std::size_t>(element);
  if (input.dtype() == DType::f32) {
    float& value = input.values()[at];
    value =
        value + 0.5F > port.maximum ? static_cast<float>(std::max<double>(port.minimum, value - 0.5F)) : value + 0.5F;
  } else if (input.dtype() == DType::i32) {
    std::int32_t& value = input.values<std::int32_t>()[at];
    value = std::max(value - 1, 0);
  }
}

// Whether any value at a position of axis 1 differs in a bit.
bool differs(const Tensor& one, const Tensor& other, std::int64_t position) {
  const Shape& shape = one.shape();
  const std::size_t row = static_cast<std::size_t>(shape.count_from(2)) * size_of(one.dtype());
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const std::size_t at = static_cast<std::size_t>(n * shape[1] + position) * row;
    const auto *x = static_cast<const std::byte*>(one.view().raw()),
               *y = static_cast<const std::byte*>(other.view().raw());
    if (std::memcmp(x + at, y + at, row) != 0) return true;
  }
  return false;
}

std::int64_t floor_of(std::int64_t value, std::int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

class WindowChecker {
 public:
  explicit WindowChecker(NodeSetup& setup) : setup_(setup), base_(forward()) {}

  WindowFinding run() {
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      std::vector<std::pair<std::size_t, TimeWindow>> windows;
      for (std::size_t k = 0; k < base_.size(); ++k) {
        if (const auto window = window_of(i, k)) windows.emplace_back(k, *window);
      }
      finding_.windows += static_cast<int>(windows.size());
      for (std::int64_t t = 0; !windows.empty() && t < setup_.inputs[i].shape()[1]; ++t) check(i, t, windows);
    }
    return finding_;
  }

 private:
  std::vector<Tensor> forward() { return NodeCalls(setup_, 1, false).run({}).outputs; }

  std::optional<TimeWindow> window_of(std::size_t i, std::size_t k) const {
    if (!there(setup_.inputs[i]) || !there(base_[k])) return std::nullopt;
    return setup_.contract().window(
        {setup_.options, static_cast<int>(i), static_cast<int>(k), setup_.inputs[i].shape(), setup_.outputs[k]});
  }

  // Changes input i at position t.
  void check(std::size_t i, std::int64_t t, const std::vector<std::pair<std::size_t, TimeWindow>>& windows) {
    Tensor& input = setup_.inputs[i];
    const Tensor original = input.clone();
    const std::int64_t row = input.shape().count_from(2);
    for (std::int64_t n = 0; n < input.shape()[0]; ++n) {
      for (std::int64_t c = 0; c < row; ++c)
        change(input, setup_.contract().input_at(static_cast<int>(i)), (n * input.shape()[1] + t) * row + c);
    }
    const std::vector<Tensor> changed = forward();
    std::memcpy(input.view().raw(), original.view().raw(), original.view().bytes());
    for (const auto& [k, window] : windows) {
      for (std::int64_t j = 0; j < base_[k].shape()[1] && finding_.failure.empty(); ++j) {
        const std::int64_t at = floor_of(j * window.down, window.up), first = at - window.before,
                           last = at + window.after;
        if ((t >= first && t <= last) || !differs(base_[k], changed[k], j)) continue;
        finding_.failure = fmt::format(
            "output '{}' at position {} changes with input '{}' at {}, and the declared window is {} to {}",
            setup_.contract().outputs()[k].name, j, setup_.contract().input_name(static_cast<int>(i)), t, first, last);
      }
    }
  }

  NodeSetup& setup_;
  WindowFinding finding_;
  std::vector<Tensor> base_;
};

}  // namespace

WindowFinding check_windows(NodeSetup& setup) { return WindowChecker(setup).run(); }

}  // namespace loom::check
