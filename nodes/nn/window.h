// Windows over one or two spatial axes: the geometry that convolution, transposed convolution and pooling share.
// Tensors are [N, T, C] (one axis) or [N, H, W, C] (two).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loom/node.h"
#include "loom/shape_inference.h"

namespace loom::nodes {

// One spatial axis of a window.
struct WindowAxis {
  std::int64_t kernel = 1, stride = 1, dilation = 1, pad_before = 0, pad_after = 0, output_padding = 0;

  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  std::int64_t outputs(std::int64_t extent) const {
    return extent + pad_before + pad_after < reach() ? 0 : (extent + pad_before + pad_after - reach()) / stride + 1;
  }
  std::int64_t transposed_outputs(std::int64_t extent) const {
    return (extent - 1) * stride - pad_before - pad_after + reach() + output_padding;
  }
};

// Height and width; a sequence has height 1.
struct Window {
  WindowAxis h, w;
};

// What a list option says for `axis` of `axes`; a single value counts for each.
inline std::int64_t axis_option(const Options& options, const std::string& name, int axis, int axes,
                                std::int64_t otherwise) {
  if (!options.has(name)) return otherwise;
  return options.integers(name, static_cast<std::size_t>(axes))[static_cast<std::size_t>(axis)];
}

inline WindowAxis window_axis(const Options& options, int axis, int axes) {
  WindowAxis a;
  a.kernel = axis_option(options, "kernel", axis, axes, 1);
  a.stride = axis_option(options, "stride", axis, axes, a.kernel);  // left out (pooling): windows side by side
  a.dilation = axis_option(options, "dilation", axis, axes, 1);
  a.output_padding = axis_option(options, "output_padding", axis, axes, 0);
  const std::int64_t span = a.reach() - 1;
  if (!options.is_text("padding")) {
    a.pad_before = a.pad_after = axis_option(options, "padding", axis, axes, 0);
  } else if (options.text("padding") == "causal") {  // position t sees no input after t
    a.pad_before = span;
  } else {  // same: as PyTorch, the odd one goes after
    a.pad_before = span / 2;
    a.pad_after = span - a.pad_before;
  }
  return a;
}

inline Window window_of(const Options& options, int axes) {
  if (axes == 1) return {WindowAxis(), window_axis(options, 0, 1)};
  return {window_axis(options, 0, 2), window_axis(options, 1, 2)};
}

// Batch, height, width and channels of a concrete or abstract shape.
struct Image {
  std::int64_t n, h, w, c;
};
inline Image image_of(const Shape& shape) {
  const bool sequence = shape.rank() == 3;
  return {shape[0], sequence ? 1 : shape[1], sequence ? shape[1] : shape[2], shape.back()};
}

// False, with a diagnostic: the input has one or two spatial axes, and list options one value for each.
inline bool check_window(ShapeInference& s, const Shape& x) {
  const int axes = x.rank() - 2;
  if (axes != 1 && axes != 2) {
    s.fail("the input must be a sequence or an image", x.text(), "[N, T, C] or [N, H, W, C]", 0);
    return false;
  }
  for (const char* name : {"kernel", "stride", "dilation", "padding", "output_padding", "factor"}) {
    if (!s.options().is_list(name)) continue;
    const auto& list = std::get<std::vector<OptionValue>>(s.options().values().at(name));
    bool good = static_cast<int>(list.size()) == axes;
    for (const OptionValue& item : list) good = good && std::holds_alternative<std::int64_t>(item);
    if (good) continue;
    s.fail(std::string("the option '") + name + "' does not fit the input's spatial axes", OptionValue(list).text(),
           "an integer, or a list of " + std::to_string(axes), 0);
    return false;
  }
  return true;
}

// What a window over the first spatial axis reads.
inline std::optional<TimeWindow> window_over_time(const TimeWindowOf& of) {
  if (of.from.rank() < 3) return std::nullopt;
  const WindowAxis axis = window_axis(of.options, 0, of.from.rank() - 2);
  return TimeWindow{1, axis.stride, axis.pad_before, axis.reach() - 1 - axis.pad_before};
}

// Text of a shape's spatial axes: "4x5".
inline std::string extents_text(const Window& window, int axes) {
  const std::string w = std::to_string(window.w.reach());
  return axes == 1 ? w : std::to_string(window.h.reach()) + "x" + w;
}

// A shape like `x` with other spatial extents and channels.
inline Shape with_image(const Shape& x, std::int64_t h, std::int64_t w, std::int64_t channels) {
  if (x.rank() == 3) return {x[0], w, channels};
  return {x[0], h, w, channels};
}

}  // namespace loom::nodes
