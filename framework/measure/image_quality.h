// The similarity of images to their originals, both [H, W, C] with values in [0, 1].
//   PSNR = -10 log10(mean squared error)                                                                          [dB]
//   SSIM = mean over the positions of a window and over the channels of
//          (2 m_x m_y + C1)(2 s_xy + C2) / ((m_x^2 + m_y^2 + C1)(s_x^2 + s_y^2 + C2)),  C1 = 0.01^2, C2 = 0.03^2
//          with means and (co)variances under an 11x11 Gaussian window, sigma 1.5, that is wholly inside the image
//   Wang et al. 2004, Image Quality Assessment, equations 13 to 17
//
// Thread safety: pure functions. Errors: data_shape if the shapes differ or are not those of images.
#pragma once

#include <optional>

#include "loom/tensor.h"

namespace loom::measure {

// Infinite for equal images.
double peak_signal_to_noise_ratio(const TensorView& image, const TensorView& original);

// In [-1, 1], 1 for equal images; empty if a side is shorter than the window.
std::optional<double> structural_similarity(const TensorView& image, const TensorView& original);

struct ImageQuality {
  double psnr;  // mean over the images, dB; infinite if an image is equal to its original
  std::optional<double> ssim;
};
// Of [n, H, W, C], n >= 1.
ImageQuality image_quality(const TensorView& images, const TensorView& originals);

// Mean squared error divided by the variance of all values of the originals, which may have any unit and any shape: 1
// if every value is replaced by their mean. Not finite if all values of the originals are equal.
double normalised_error(const TensorView& reconstructions, const TensorView& originals);

}  // namespace loom::measure
