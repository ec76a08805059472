// Which convolutions are transformed: by the shape of one sample alone, and only where the shape allows it.
#include "dnnl/winograd_choice.h"

#include <boost/test/unit_test.hpp>

#include <random>

#include "dnnl/convolution.h"

using namespace loom::dnnl;

namespace {

ConvolutionShape layer(std::int64_t kernel, std::int64_t stride, std::int64_t extent, std::int64_t c,
                       std::int64_t filters) {
  ConvolutionShape s;
  s.n = 4, s.h = s.w = extent, s.c = c, s.filters = filters, s.kh = s.kw = kernel, s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = (kernel - 1) / 2;
  s.transformed = true;
  return s;
}

// The vertical stack of a gated PixelCNN.
ConvolutionShape causal(std::int64_t kernel, std::int64_t extent, std::int64_t c) {
  ConvolutionShape s = layer(kernel, 1, extent, c, 2 * c);
  s.kh = kernel / 2 + 1;
  s.pad_top = kernel / 2, s.pad_bottom = 0;
  return s;
}

constexpr ConvolutionPass kPasses[] = {ConvolutionPass::forward, ConvolutionPass::by_input, ConvolutionPass::by_weight};

// On processors of both kinds.
bool both_transform(const ConvolutionShape& s, ConvolutionPass pass) {
  return detail::winograd_is_faster(s, pass, false) && detail::winograd_is_faster(s, pass, true);
}
bool neither_transforms(const ConvolutionShape& s, ConvolutionPass pass) {
  return !detail::winograd_is_faster(s, pass, false) && !detail::winograd_is_faster(s, pass, true);
}

bool is_winograd(const Kernel& kernel) { return kernel.implementation().starts_with("winograd"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(winograd_choice)

BOOST_AUTO_TEST_CASE(large_layers_are_transformed_where_the_shape_allows_it) {
  for (const auto& [kernel, stride] : {std::pair<std::int64_t, std::int64_t>{3, 1}, {4, 2}, {5, 2}}) {
    ConvolutionShape s = layer(kernel, stride, 32 * stride, 64, 64);
    BOOST_TEST(is_winograd(*make_convolution_forward(s)), describe(s));
    BOOST_TEST(is_winograd(*make_convolution_backward_data(s)), describe(s));
    BOOST_TEST(is_winograd(*make_convolution_backward_weights(s)), describe(s));
    s.transformed = false;
    BOOST_TEST(!is_winograd(*make_convolution_forward(s)), describe(s));
    BOOST_TEST(!is_winograd(*make_convolution_backward_data(s)), describe(s));
    BOOST_TEST(!is_winograd(*make_convolution_backward_weights(s)), describe(s));
  }
}

// Sequences, causal and dilated ones too, and the rows of an image; a dilation has to divide the width.
BOOST_AUTO_TEST_CASE(kernels_of_one_row_are_transformed) {
  ConvolutionShape s{.n = 4, .w = 240, .c = 128, .filters = 128, .kw = 3};
  s.transformed = true;
  for (const auto& [dilation, width] : {std::pair<std::int64_t, std::int64_t>{1, 240}, {4, 240}, {7, 245}}) {
    s.dilation_w = dilation, s.w = width, s.pad_left = 2 * dilation;
    BOOST_TEST(is_winograd(*make_convolution_forward(s)), describe(s));
    BOOST_TEST(is_winograd(*make_convolution_backward_data(s)), describe(s));
    BOOST_TEST(is_winograd(*make_convolution_backward_weights(s)), describe(s));
  }
  s.w = 240;
  for (const auto pass : kPasses) BOOST_TEST(neither_transforms(s, pass), describe(s));
  s.dilation_w = 1, s.pad_left = 1, s.pad_right = 1, s.h = 5;
  BOOST_TEST(is_winograd(*make_convolution_forward(s)), describe(s));
}

BOOST_AUTO_TEST_CASE(a_transposed_layer_takes_the_choice_of_its_mirror) {
  TransposedConvolutionShape s{.n = 4, .h = 16, .w = 16, .c = 64, .filters = 64, .kh = 4, .kw = 4};
  s.stride_h = s.stride_w = 2, s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
  BOOST_TEST(!is_winograd(*make_transposed_convolution_forward(s)));
  s.transformed = true;
  BOOST_TEST(is_winograd(*make_transposed_convolution_forward(s)) ==
             winograd_is_faster(s.mirrored(), ConvolutionPass::by_input));
  BOOST_TEST(is_winograd(*make_transposed_convolution_backward_data(s)) ==
             winograd_is_faster(s.mirrored(), ConvolutionPass::forward));
}

BOOST_AUTO_TEST_CASE(a_window_that_ends_at_its_row_is_transformed) {
  for (const auto pass : kPasses) {
    for (const std::int64_t kernel : {3, 5}) {
      ConvolutionShape s = causal(kernel, 32, 64);
      BOOST_TEST(both_transform(s, pass), describe(s));
      std::swap(s.pad_top, s.pad_bottom);  // not measured
      BOOST_TEST(neither_transforms(s, pass), describe(s));
    }
    BOOST_TEST(neither_transforms(causal(7, 32, 64), pass));
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_samples_does_not_matter) {
  std::mt19937 generator(11);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
  };
  int transformed = 0, others = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t stride = between(1, 2);
    ConvolutionShape s =
        layer(between(stride + 1, 3 * stride), stride, between(6, 70), between(1, 300), between(1, 300));
    for (const auto pass : kPasses) {
      for (const bool has_amx : {false, true}) {
        s.n = 1;
        const bool one = detail::winograd_is_faster(s, pass, has_amx);
        s.n = between(2, 300);
        BOOST_TEST(detail::winograd_is_faster(s, pass, has_amx) == one, describe(s));
        ++(one ? transformed : others);
      }
    }
  }
  BOOST_TEST(transformed > 100);
  BOOST_TEST(others > 100);
}

BOOST_AUTO_TEST_CASE(few_channels_and_other_kernels_are_not) {
  for (const ConvolutionShape& s : {layer(3, 1, 32, 3, 64), layer(3, 1, 32, 64, 1), layer(2, 1, 32, 64, 64),
                                    layer(3, 2, 32, 64, 64), layer(7, 3, 48, 64, 64)}) {
    for (const auto pass : kPasses) BOOST_TEST(neither_transforms(s, pass), describe(s));
  }
}

BOOST_AUTO_TEST_CASE(the_table_has_a_digest) {
  const std::string digest = winograd_table_digest();
  BOOST_TEST(digest.size() == 8U);
  BOOST_TEST(digest.find_first_not_of("0123456789abcdef") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
