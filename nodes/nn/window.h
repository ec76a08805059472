// Windows over spatial axes: the geometry that convolution, transposed convolution and pooling share.
// Tensors are [N, T, C] (one axis), [N, H, W, C] (two), or [N, D, H, W, C] (three: a volume, or a video, whose D is time).
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

// Depth, height and width; an image has depth 1, a sequence also height 1.
struct Window {
  WindowAxis d, h, w;
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
    a.pad_before = axis_option(options, "padding", axis, axes, 0);
    a.pad_after = axis_option(options, "padding_after", axis, axes, a.pad_before);
  } else if (options.text("padding") == "causal") {  // position t sees no input after t
    a.pad_before = span;
  } else {  // same: as PyTorch, the odd one goes after
    a.pad_before = span / 2;
    a.pad_after = span - a.pad_before;
  }
  return a;
}

inline Window window_of(const Options& options, int axes) {
  Window window;
  window.w = window_axis(options, axes - 1, axes);
  if (axes > 1) window.h = window_axis(options, axes - 2, axes);
  if (axes > 2) window.d = window_axis(options, 0, axes);
  return window;
}

// Batch, depth, height, width and channels of a concrete or abstract shape.
struct Image {
  std::int64_t n, d, h, w, c;
};
inline Image image_of(const Shape& shape) {
  const int axes = shape.rank() - 2;
  return {shape[0], axes > 2 ? shape[1] : 1, axes > 1 ? shape[axes - 1] : 1, shape[axes], shape.back()};
}

// The declaration of one-sided padding, for nodes whose `padding` is at both sides.
inline void declare_padding_after(Contract& c, const std::string& what) {
  c.option("padding_after", OptionValue(), integer().at_least(0).or_list(), what + "; default: as many as before");
  c.rule({"padding_after"}, "`padding_after` goes with a number of zeros before", "padding: a number, or a list",
         [](const Options& o) { return !o.has("padding_after") || !o.is_text("padding"); });
}

// False, with a diagnostic: the input has one to `most` spatial axes, and list options one value for each.
inline bool check_window(ShapeInference& s, const Shape& x, int most = 3) {
  const int axes = x.rank() - 2;
  if (axes < 1 || axes > most) {
    s.fail(most > 2 ? "the input must be a sequence, an image or a volume" : "the input must be a sequence or an image",
           x.text(), most > 2 ? "[N, T, C], [N, H, W, C] or [N, D, H, W, C]" : "[N, T, C] or [N, H, W, C]", 0);
    return false;
  }
  for (const char* name : {"kernel", "stride", "dilation", "padding", "padding_after", "output_padding", "factor"}) {
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
  std::string text = std::to_string(window.w.reach());
  if (axes > 1) text = std::to_string(window.h.reach()) + "x" + text;
  return axes > 2 ? std::to_string(window.d.reach()) + "x" + text : text;
}

// The kernel's extents along the spatial axes.
inline std::vector<std::int64_t> kernel_of(const Window& window, int axes) {
  const std::vector<std::int64_t> all = {window.d.kernel, window.h.kernel, window.w.kernel};
  return {all.end() - axes, all.end()};
}

// A shape like `x` with the spatial extents and channels of `image`.
inline Shape with_image(const Shape& x, const Image& image) {
  if (x.rank() == 3) return {x[0], image.w, image.c};
  if (x.rank() == 4) return {x[0], image.h, image.w, image.c};
  return {x[0], image.d, image.h, image.w, image.c};
}

}  // namespace loom::nodes
