// Which form a bf16 pass takes, on processors of both kinds: by the shape of one sample alone.
#include "dnnl/bf16_choice.h"

#include <boost/test/unit_test.hpp>

#include <random>

#include "dnnl/convolution.h"
#include "dnnl/cpu.h"

using namespace loom::dnnl;

namespace {

constexpr ConvolutionPass kPasses[] = {ConvolutionPass::forward, ConvolutionPass::by_input, ConvolutionPass::by_weight};

ConvolutionShape layer(std::int64_t kernel, std::int64_t stride, std::int64_t extent, std::int64_t c,
                       std::int64_t filters) {
  ConvolutionShape s{.n = 4, .h = extent, .w = extent, .c = c, .filters = filters, .kh = kernel, .kw = kernel};
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = (kernel - 1) / 2;
  return s;
}

Bf16Form form(const ConvolutionShape& s, ConvolutionPass pass, bool has_amx) {
  return detail::fastest_bf16_form(s, pass, has_amx);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bf16_choice)

// As measured with 4x4 and stride 2, 32 to 32 channels, maps of 16x16: with AMX the gradients are faster on blocks.
BOOST_AUTO_TEST_CASE(strides_cost_nothing_without_amx) {
  const ConvolutionShape s = layer(4, 2, 32, 32, 32);
  for (const auto pass : kPasses) {
    BOOST_TEST((form(s, pass, false) == Bf16Form::plain));
    BOOST_TEST((form(s, pass, true) == (pass == ConvolutionPass::forward ? Bf16Form::plain : Bf16Form::blocks)));
    for (const bool has_amx : {false, true}) BOOST_TEST(detail::is_faster_in_bf16(s, pass, has_amx));
  }
}

BOOST_AUTO_TEST_CASE(small_maps_of_many_channels_go_by_taps) {
  const ConvolutionShape s = layer(4, 2, 8, 256, 256);
  for (const bool has_amx : {false, true}) BOOST_TEST((form(s, ConvolutionPass::by_weight, has_amx) == Bf16Form::taps));
}

BOOST_AUTO_TEST_CASE(few_channels) {
  const ConvolutionShape colours = layer(3, 1, 32, 3, 64), gray = layer(3, 1, 32, 1, 64);
  for (const auto pass : kPasses) {
    BOOST_TEST(!detail::is_faster_in_bf16(colours, pass, true));
    BOOST_TEST(detail::is_faster_in_bf16(colours, pass, false) == (pass != ConvolutionPass::by_input));
    for (const bool has_amx : {false, true}) BOOST_TEST(!detail::is_faster_in_bf16(gray, pass, has_amx));
  }
  // Blocks of a stride of 2 have four times as many.
  BOOST_TEST(detail::is_faster_in_bf16(layer(4, 2, 32, 3, 64), ConvolutionPass::by_input, false));
  BOOST_TEST((form(layer(4, 2, 32, 3, 64), ConvolutionPass::by_input, false) == Bf16Form::blocks));
}

BOOST_AUTO_TEST_CASE(the_number_of_samples_does_not_matter) {
  std::mt19937 generator(3);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
  };
  for (int i = 0; i < 500; ++i) {
    const std::int64_t stride = between(1, 2);
    ConvolutionShape s = layer(between(stride, 5), stride, between(6, 70), between(1, 300), between(1, 300));
    for (const auto pass : kPasses) {
      for (const bool has_amx : {false, true}) {
        s.n = 1;
        const Bf16Form one = form(s, pass, has_amx);
        const bool faster = detail::is_faster_in_bf16(s, pass, has_amx);
        s.n = between(2, 300);
        BOOST_TEST((form(s, pass, has_amx) == one), describe(s));
        BOOST_TEST(detail::is_faster_in_bf16(s, pass, has_amx) == faster, describe(s));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(this_processor_takes_its_kind) {
  BOOST_TEST(has_amx() == (instruction_set().find("AMX") != std::string::npos));
  const ConvolutionShape s = layer(4, 2, 32, 64, 64);
  for (const auto pass : kPasses) {
    BOOST_TEST((fastest_bf16_form(s, pass) == form(s, pass, has_amx())));
    BOOST_TEST(is_faster_in_bf16(s, pass) == detail::is_faster_in_bf16(s, pass, has_amx()));
  }
}

BOOST_AUTO_TEST_SUITE_END()
