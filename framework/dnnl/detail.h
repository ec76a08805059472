// Private to framework/dnnl: everything that touches oneDNN's own types, and every difference between its
// versions.
//
// oneDNN 2.x describes an operation in two steps (operation descriptor, then primitive descriptor); 3.x in
// one. The functions *_descriptor below hide this. Inside this folder `onednn` is the library's namespace,
// since `dnnl` here means loom::dnnl.
#pragma once

#include <dnnl_debug.h>
#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dnnl/cpu.h"

namespace loom::dnnl::detail {

namespace onednn = ::dnnl;
using Desc = onednn::memory::desc;
using Dims = onednn::memory::dims;
using Tag = onednn::memory::format_tag;
using Type = onednn::memory::data_type;

// One engine for the process, one stream for each thread.
const onednn::engine& engine();
onednn::stream& stream();

// Scratch is handed out in pieces that each start on a cache line.
constexpr std::size_t kAlignment = 64;
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
constexpr std::size_t float_bytes(std::int64_t count) {
  return aligned(static_cast<std::size_t>(count) * sizeof(float));
}
inline void* offset(void* scratch, std::size_t bytes) { return static_cast<std::byte*>(scratch) + bytes; }

// Runs `body`, turning oneDNN's exceptions into std::runtime_error that says what was being done.
template <class Body>
auto described(const std::string& what, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const onednn::error& error) {
    throw std::runtime_error("oneDNN failed at " + what + ": " + error.what() + " (" + dnnl_status2str(error.status) +
                             ")");
  }
}

// "name[1x2x3]": how shapes are written in error messages.
std::string label(const std::string& name, std::initializer_list<std::int64_t> sizes);

// Throws std::invalid_argument unless `condition`.
void require(bool condition, const std::string& what);

// Memory descriptors.
Desc row_major(const Dims& dims, Type type = Type::f32);
Desc strided(const Dims& dims, const Dims& strides, Type type = Type::f32);
Desc any_layout(const Dims& dims, Type type = Type::f32);
Desc channels_last(std::int64_t n, std::int64_t c, const Dims& axes, Type type = Type::f32);  // two or three axes

// User scratchpad, and the sum with what is there. A relu as a post-operation would make 0 of NaN.
onednn::primitive_attr attributes(bool accumulate = false);

struct Spatial {
  Dims strides, dilations, padding_begin, padding_end;
};

// `bias` may be an empty Desc: no bias. `x` and `weight` of the gradients: those of the forward pass, where the type is not
// that of the gradient.
onednn::matmul::primitive_desc matmul_descriptor(const Desc& a, const Desc& b, const Desc& bias, const Desc& c,
                                                 const onednn::primitive_attr& attributes);
onednn::convolution_forward::primitive_desc convolution_forward_descriptor(const Desc& x, const Desc& weight,
                                                                           const Desc& bias, const Desc& y,
                                                                           const Spatial& spatial,
                                                                           const onednn::primitive_attr& attributes);
onednn::convolution_backward_data::primitive_desc convolution_backward_data_descriptor(
    const Desc& diff_x, const Desc& weight, const Desc& diff_y, const Spatial& spatial, const Desc* x = nullptr);
onednn::convolution_backward_weights::primitive_desc convolution_backward_weights_descriptor(
    const Desc& x, const Desc& diff_weight, const Desc& diff_bias, const Desc& diff_y, const Spatial& spatial,
    const Desc* weight = nullptr);
onednn::eltwise_forward::primitive_desc eltwise_forward_descriptor(onednn::algorithm algorithm, const Desc& data,
                                                                   float alpha, float beta);
onednn::eltwise_backward::primitive_desc eltwise_backward_descriptor(
    onednn::algorithm algorithm, const Desc& data, float alpha, float beta,
    const onednn::eltwise_forward::primitive_desc& forward);
onednn::pooling_forward::primitive_desc pooling_forward_descriptor(bool training, onednn::algorithm algorithm,
                                                                   const Desc& x, const Desc& y, const Spatial& spatial,
                                                                   const Dims& kernel);
onednn::pooling_backward::primitive_desc pooling_backward_descriptor(
    onednn::algorithm algorithm, const Desc& diff_x, const Desc& diff_y, const Spatial& spatial, const Dims& kernel,
    const onednn::pooling_forward::primitive_desc& forward);
onednn::layer_normalization_forward::primitive_desc layer_norm_forward_descriptor(const Desc& data,
                                                                                  const Desc& statistics,
                                                                                  float epsilon);
onednn::layer_normalization_backward::primitive_desc layer_norm_backward_descriptor(
    const Desc& data, const Desc& statistics, float epsilon,
    const onednn::layer_normalization_forward::primitive_desc& forward);

class Primitive;  // dnnl/primitive.h

// The two ways softmax exists: 2.x has a separate primitive for its logarithm.
Primitive make_softmax_forward(const std::string& what, const Desc& data, bool logarithm);
Primitive make_softmax_backward(const std::string& what, const Desc& data, bool logarithm);

}  // namespace loom::dnnl::detail
