// PSNR and SSIM against their formulas, written out.
#include "measure/image_quality.h"

#include <boost/test/unit_test.hpp>

#include "loom/error.h"
#include "measure/support.h"

using namespace loom;
using namespace loom::check;
using namespace loom::measure;

namespace {

Tensor image(std::int64_t height, std::int64_t width, std::int64_t channels, std::uint64_t seed) {
  Tensor values(DType::f32, {height, width, channels});
  RandomStream(seed, 1, 0).uniform(0, values.values());
  return values;
}

Tensor constant(float value) {
  Tensor values(DType::f32, {16, 12, 1});
  std::ranges::fill(values.values(), value);
  return values;
}

// Equation 13 at the one place of the window in an 11x11 image, with the weights of its 121 values.
double similarity_of_a_window(const Tensor& x, const Tensor& y, std::size_t channel) {
  double weights = 0, mx = 0, my = 0, sx = 0, sy = 0, sxy = 0;
  const auto each = [&](auto&& visit) {
    for (int row = 0; row < 11; ++row) {
      for (int column = 0; column < 11; ++column) {
        const double distance = (row - 5) * (row - 5) + (column - 5) * (column - 5);
        const auto at = static_cast<std::size_t>(row * 11 + column) * 2 + channel;
        visit(std::exp(-distance / (2 * 1.5 * 1.5)), static_cast<double>(x.values()[at]),
              static_cast<double>(y.values()[at]));
      }
    }
  };
  each([&](double w, double, double) { weights += w; });
  each([&](double w, double a, double b) {
    mx += w / weights * a;
    my += w / weights * b;
  });
  each([&](double w, double a, double b) {
    sx += w / weights * (a - mx) * (a - mx);
    sy += w / weights * (b - my) * (b - my);
    sxy += w / weights * (a - mx) * (b - my);
  });
  return (2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx * mx + my * my + 1e-4) * (sx + sy + 9e-4));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quality_of_images)

BOOST_AUTO_TEST_CASE(equal_images) {
  const Tensor x = image(20, 24, 3, 1);
  BOOST_TEST(std::isinf(peak_signal_to_noise_ratio(x, x)));
  BOOST_TEST(std::abs(*structural_similarity(x, x) - 1) < 1e-12);
}

BOOST_AUTO_TEST_CASE(constant_images_differ_in_luminance_alone) {
  const Tensor x = constant(0.25F), y = constant(0.75F);
  BOOST_TEST(std::abs(peak_signal_to_noise_ratio(x, y) - 6.0205999132796239) < 1e-9);  // -10 log10(1/4)
  BOOST_TEST(std::abs(*structural_similarity(x, y) - (2 * 0.25 * 0.75 + 1e-4) / (0.0625 + 0.5625 + 1e-4)) < 1e-6);
}

BOOST_AUTO_TEST_CASE(a_single_window_is_the_formula) {
  const Tensor x = image(11, 11, 2, 1), y = image(11, 11, 2, 2);
  const double expected = 0.5 * (similarity_of_a_window(x, y, 0) + similarity_of_a_window(x, y, 1));
  BOOST_TEST(std::abs(*structural_similarity(x, y) - expected) < 1e-12);
  BOOST_TEST(*structural_similarity(x, y) == *structural_similarity(y, x));
}

// Places of the window in a larger image are its 11x11 parts.
BOOST_AUTO_TEST_CASE(a_larger_image_is_the_mean_over_its_windows) {
  const Tensor x = image(13, 12, 1, 3), y = image(13, 12, 1, 4);
  double sum = 0;
  for (std::int64_t top = 0; top < 3; ++top) {
    for (std::int64_t left = 0; left < 2; ++left) {
      Tensor a(DType::f32, {11, 11, 1}), b(DType::f32, {11, 11, 1});
      for (std::int64_t i = 0; i < 121; ++i) {
        const auto from = static_cast<std::size_t>((top + i / 11) * 12 + left + i % 11);
        a.values()[static_cast<std::size_t>(i)] = x.values()[from];
        b.values()[static_cast<std::size_t>(i)] = y.values()[from];
      }
      sum += *structural_similarity(a, b);
    }
  }
  BOOST_TEST(std::abs(*structural_similarity(x, y) - sum / 6) < 1e-12);
}

BOOST_AUTO_TEST_CASE(small_images_have_no_window_and_unlike_ones_do_not_compare) {
  BOOST_TEST(!structural_similarity(image(10, 20, 1, 1), image(10, 20, 1, 2)));
  BOOST_CHECK_THROW(peak_signal_to_noise_ratio(image(10, 20, 1, 1), image(20, 10, 1, 1)), Error);
  Tensor both(DType::f32, {2, 12, 16, 1}), other(DType::f32, {2, 12, 16, 1});
  std::ranges::fill(other.view()[0], 0.1F);
  std::ranges::fill(other.view()[1], 0.01F);
  BOOST_TEST(std::abs(image_quality(both, other).psnr - 30) < 1e-5);  // 20 and 40 dB
}

// What is under a mask of 0 counts in no measure, whatever it is.
BOOST_AUTO_TEST_CASE(only_what_is_there_counts) {
  const Tensor x = image(13, 11, 2, 1), y = image(13, 11, 2, 2);
  Tensor damaged = y.clone(), mask(DType::f32, y.shape());
  std::ranges::fill(mask.values(), 1.0F);
  for (std::size_t i = 0; i < 2 * 11 * 2; ++i) {  // two rows: one of three windows of each channel is whole
    damaged.values()[i] = std::nanf("");
    mask.values()[i] = 0;
  }
  const auto rows = [](const Tensor& of) {
    Tensor part(DType::f32, {11, 11, 2});
    std::ranges::copy(of.values().subspan(2 * 11 * 2), part.values().begin());
    return part;
  };
  BOOST_TEST(std::abs(peak_signal_to_noise_ratio(x, damaged, mask.values()) -
                      peak_signal_to_noise_ratio(rows(x), rows(y))) < 1e-9);
  BOOST_TEST(std::abs(*structural_similarity(x, damaged, mask.values()) - *structural_similarity(rows(x), rows(y))) <
             1e-12);
  BOOST_TEST(std::abs(normalised_error(x, damaged, mask) - normalised_error(rows(x), rows(y))) < 1e-9);
  std::ranges::fill(mask.values(), 0.0F);
  BOOST_TEST(std::isnan(peak_signal_to_noise_ratio(x, damaged, mask.values())));
  BOOST_TEST(!structural_similarity(x, damaged, mask.values()));
}

BOOST_AUTO_TEST_CASE(images_without_any_value_do_not_count) {
  Tensor both(DType::f32, {2, 12, 16, 1}), other(DType::f32, {2, 12, 16, 1}), mask(DType::f32, {2, 12, 16, 1});
  std::ranges::fill(other.view()[0], 0.1F);
  std::ranges::fill(other.view()[1], 0.01F);
  std::ranges::fill(mask.view()[1], 1.0F);
  BOOST_TEST(std::abs(image_quality(both, other, mask).psnr - 40) < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()
