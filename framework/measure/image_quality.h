// The similarity of images to their originals, both [H, W, C] with values in [0, 1].
//   PSNR = -10 log10(mean squared error)                                                                          [dB]
//   SSIM = mean over the positions of a window and over the channels of
//          (2 m_x m_y + C1)(2 s_xy + C2) / ((m_x^2 + m_y^2 + C1)(s_x^2 + s_y^2 + C2)),  C1 = 0.01^2, C2 = 0.03^2
//          with means and (co)variances under an 11x11 Gaussian window, sigma 1.5, that is wholly inside the image
//   Wang et al. 2004, Image Quality Assessment, equations 13 to 17
//
// `mask`, in the shape of the images: 1 where a value of the original is there. The squared error is the mean over those,
// and SSIM over the windows without a gap. Empty: all are there.
//
// Thread safety: pure functions. Errors: data_shape if the shapes differ or are not those of images.
#pragma once

#include <optional>
#include <span>

#include "loom/tensor.h"

namespace loom::measure {

// Infinite for equal images; NaN if no value is there.
double peak_signal_to_noise_ratio(const TensorView& image, const TensorView& original,
                                  std::span<const float> mask = {});

// In [-1, 1], 1 for equal images; empty if a side is shorter than the window, or every window has a gap.
std::optional<double> structural_similarity(const TensorView& image, const TensorView& original,
                                            std::span<const float> mask = {});

struct ImageQuality {
  double psnr;  // mean over the images, dB; infinite if an image is equal to its original
  std::optional<double> ssim;
};
// Of [n, H, W, C], n >= 1. Images of which nothing is there do not count.
ImageQuality image_quality(const TensorView& images, const TensorView& originals, const TensorView& masks = {});

// Mean squared error divided by the variance of the originals, which may have any unit and any shape: 1 if every value is
// replaced by their mean. Not finite if all values of the originals are equal. `by_feature`: the mean over the features, the
// last axis, each with its own variance, without those that are constant.
double normalised_error(const TensorView& reconstructions, const TensorView& originals, const TensorView& masks = {},
                        bool by_feature = false);

}  // namespace loom::measure
