// The distance between the spectra of two sounds. Unlike a difference of samples, it ignores a shift of the phase and
// reacts strongly to a missing formant.
//   distance = mean over frames of sqrt(mean over bins of (L(X) - L(Y))^2),  L(X) = 20 log10 max(|X|, floor)      [dB]
//   X, Y: the spectra of frames of 256 samples, a hop of 128 apart, under a Hann window; |X| is 1 for a sine of full
//   scale, and floor is 10^-4 (-80 dB), so that silence does not count for more than audible sound
//   Gray and Markel 1976, Distance Measures for Speech Processing, section III (root mean square log spectral measure)
//
// Thread safety: pure functions. Errors: data_shape if the lengths differ or are less than a frame.
#pragma once

#include <span>

namespace loom::measure {

// 0 for equal sounds; g dB for a sound and the same g dB louder (above the floor).
double log_spectral_distance(std::span<const float> sound, std::span<const float> original);

}  // namespace loom::measure
