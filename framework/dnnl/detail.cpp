#include "dnnl/detail.h"

#include "dnnl/primitive.h"

namespace loom::dnnl::detail {

using onednn::algorithm;
using onednn::prop_kind;

const onednn::engine& engine() {
  static const onednn::engine instance(onednn::engine::kind::cpu, 0);
  return instance;
}

onednn::stream& stream() {
  thread_local onednn::stream instance(engine());
  return instance;
}

std::string label(const std::string& name, std::initializer_list<std::int64_t> sizes) {
  std::string text = name + "[";
  const char* separator = "";
  for (const auto size : sizes) {
    text += separator + std::to_string(size);
    separator = "x";
  }
  return text + "]";
}

void require(bool condition, const std::string& what) {
  if (!condition) throw std::invalid_argument(what);
}

namespace {
Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  return strides;
}
}  // namespace

Desc row_major(const Dims& dims, Type type) { return Desc(dims, type, dense_strides(dims)); }
Desc strided(const Dims& dims, const Dims& strides, Type type) { return Desc(dims, type, strides); }
Desc any_layout(const Dims& dims, Type type) { return Desc(dims, type, Tag::any); }
Desc channels_last(std::int64_t n, std::int64_t c, const Dims& axes, Type type) {
  Dims dims{n, c};
  dims.insert(dims.end(), axes.begin(), axes.end());
  return Desc(dims, type, axes.size() == 3 ? Tag::ndhwc : Tag::nhwc);
}

onednn::primitive_attr attributes(bool accumulate) {
  onednn::primitive_attr attributes;
  attributes.set_scratchpad_mode(onednn::scratchpad_mode::user);
  if (accumulate) {
    onednn::post_ops operations;
    operations.append_sum(1.0F);
    attributes.set_post_ops(operations);
  }
  return attributes;
}

// Below: one function per kind of primitive, for oneDNN 2 and for oneDNN 3.

#if DNNL_VERSION_MAJOR >= 3
#define LOOM_DESCRIBE(kind, attributes, ...) onednn::kind::primitive_desc(engine(), __VA_ARGS__, attributes)
#define LOOM_DESCRIBE_BACKWARD(kind, attributes, forward, ...) \
  onednn::kind::primitive_desc(engine(), __VA_ARGS__, forward, attributes)
#else
#define LOOM_DESCRIBE(kind, attributes, ...) \
  onednn::kind::primitive_desc(onednn::kind::desc(__VA_ARGS__), attributes, engine())
#define LOOM_DESCRIBE_BACKWARD(kind, attributes, forward, ...) \
  onednn::kind::primitive_desc(onednn::kind::desc(__VA_ARGS__), attributes, engine(), forward)
#endif

namespace {
bool present(const Desc& desc) { return desc.get_size() != 0; }
}  // namespace

onednn::matmul::primitive_desc matmul_descriptor(const Desc& a, const Desc& b, const Desc& bias, const Desc& c,
                                                 const onednn::primitive_attr& attributes) {
  return present(bias) ? LOOM_DESCRIBE(matmul, attributes, a, b, bias, c) : LOOM_DESCRIBE(matmul, attributes, a, b, c);
}

onednn::convolution_forward::primitive_desc convolution_forward_descriptor(const Desc& x, const Desc& weight,
                                                                           const Desc& bias, const Desc& y,
                                                                           const Spatial& spatial,
                                                                           const onednn::primitive_attr& attributes) {
  const auto& [strides, dilations, begin, end] = spatial;
  if (present(bias)) {
    return LOOM_DESCRIBE(convolution_forward, attributes, prop_kind::forward_training, algorithm::convolution_direct, x,
                         weight, bias, y, strides, dilations, begin, end);
  }
  return LOOM_DESCRIBE(convolution_forward, attributes, prop_kind::forward_training, algorithm::convolution_direct, x,
                       weight, y, strides, dilations, begin, end);
}

onednn::convolution_backward_data::primitive_desc convolution_backward_data_descriptor(
    const Desc& diff_x, const Desc& weight, const Desc& diff_y, const Spatial& spatial, const Desc* x) {
  const auto& [strides, dilations, begin, end] = spatial;
  const auto hint =
      convolution_forward_descriptor(x != nullptr ? *x : diff_x, weight, Desc(), diff_y, spatial, attributes());
  return LOOM_DESCRIBE_BACKWARD(convolution_backward_data, attributes(), hint, algorithm::convolution_direct, diff_x,
                                weight, diff_y, strides, dilations, begin, end);
}

onednn::convolution_backward_weights::primitive_desc convolution_backward_weights_descriptor(
    const Desc& x, const Desc& diff_weight, const Desc& diff_bias, const Desc& diff_y, const Spatial& spatial,
    const Desc* weight) {
  const auto& [strides, dilations, begin, end] = spatial;
  const auto hint = convolution_forward_descriptor(x, weight != nullptr ? *weight : diff_weight, diff_bias, diff_y,
                                                   spatial, attributes());
  if (present(diff_bias)) {
    return LOOM_DESCRIBE_BACKWARD(convolution_backward_weights, attributes(), hint, algorithm::convolution_direct, x,
                                  diff_weight, diff_bias, diff_y, strides, dilations, begin, end);
  }
  return LOOM_DESCRIBE_BACKWARD(convolution_backward_weights, attributes(), hint, algorithm::convolution_direct, x,
                                diff_weight, diff_y, strides, dilations, begin, end);
}

onednn::eltwise_forward::primitive_desc eltwise_forward_descriptor(onednn::algorithm algorithm, const Desc& data,
                                                                   float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE(eltwise_forward, attributes(), prop_kind::forward_training, algorithm, data, data, alpha, beta);
#else
  return LOOM_DESCRIBE(eltwise_forward, attributes(), prop_kind::forward_training, algorithm, data, alpha, beta);
#endif
}

onednn::eltwise_backward::primitive_desc eltwise_backward_descriptor(
    onednn::algorithm algorithm, const Desc& data, float alpha, float beta,
    const onednn::eltwise_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE_BACKWARD(eltwise_backward, attributes(), forward, algorithm, data, data, data, alpha, beta);
#else
  return LOOM_DESCRIBE_BACKWARD(eltwise_backward, attributes(), forward, algorithm, data, data, alpha, beta);
#endif
}

onednn::pooling_forward::primitive_desc pooling_forward_descriptor(bool training, onednn::algorithm algorithm,
                                                                   const Desc& x, const Desc& y, const Spatial& spatial,
                                                                   const Dims& kernel) {
  const auto kind = training ? prop_kind::forward_training : prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE(pooling_forward, attributes(), kind, algorithm, x, y, spatial.strides, kernel, spatial.dilations,
                       spatial.padding_begin, spatial.padding_end);
#else
  return LOOM_DESCRIBE(pooling_forward, attributes(), kind, algorithm, x, y, spatial.strides, kernel,
                       spatial.padding_begin, spatial.padding_end);
#endif
}

onednn::pooling_backward::primitive_desc pooling_backward_descriptor(
    onednn::algorithm algorithm, const Desc& diff_x, const Desc& diff_y, const Spatial& spatial, const Dims& kernel,
    const onednn::pooling_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE_BACKWARD(pooling_backward, attributes(), forward, algorithm, diff_x, diff_y, spatial.strides,
                                kernel, spatial.dilations, spatial.padding_begin, spatial.padding_end);
#else
  return LOOM_DESCRIBE_BACKWARD(pooling_backward, attributes(), forward, algorithm, diff_x, diff_y, spatial.strides,
                                kernel, spatial.padding_begin, spatial.padding_end);
#endif
}

namespace {
const auto kScaleAndShift = onednn::normalization_flags::use_scale | onednn::normalization_flags::use_shift;
}

onednn::layer_normalization_forward::primitive_desc layer_norm_forward_descriptor(const Desc& data,
                                                                                  const Desc& statistics,
                                                                                  float epsilon) {
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE(layer_normalization_forward, attributes(), prop_kind::forward_training, data, data, statistics,
                       epsilon, kScaleAndShift);
#else
  return LOOM_DESCRIBE(layer_normalization_forward, attributes(), prop_kind::forward_training, data, statistics,
                       epsilon, kScaleAndShift);
#endif
}

onednn::layer_normalization_backward::primitive_desc layer_norm_backward_descriptor(
    const Desc& data, const Desc& statistics, float epsilon,
    const onednn::layer_normalization_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return LOOM_DESCRIBE_BACKWARD(layer_normalization_backward, attributes(), forward, prop_kind::backward, data, data,
                                data, statistics, epsilon, kScaleAndShift);
#else
  return LOOM_DESCRIBE_BACKWARD(layer_normalization_backward, attributes(), forward, prop_kind::backward, data, data,
                                statistics, epsilon, kScaleAndShift);
#endif
}

#if DNNL_VERSION_MAJOR >= 3
namespace {
onednn::softmax_forward::primitive_desc softmax_descriptor(const Desc& data, bool logarithm) {
  const auto kind = logarithm ? algorithm::softmax_log : algorithm::softmax_accurate;
  return onednn::softmax_forward::primitive_desc(engine(), prop_kind::forward_training, kind, data, data,
                                                 data.get_ndims() - 1, attributes());
}
}  // namespace

Primitive make_softmax_forward(const std::string& what, const Desc& data, bool logarithm) {
  pin_this_thread();
  const auto descriptor = described(what, [&] { return softmax_descriptor(data, logarithm); });
  return Primitive(what, descriptor, {{DNNL_ARG_SRC, data}, {DNNL_ARG_DST, data}});
}

Primitive make_softmax_backward(const std::string& what, const Desc& data, bool logarithm) {
  pin_this_thread();
  const auto kind = logarithm ? algorithm::softmax_log : algorithm::softmax_accurate;
  const auto descriptor = described(what, [&] {
    return onednn::softmax_backward::primitive_desc(engine(), kind, data, data, data, data.get_ndims() - 1,
                                                    softmax_descriptor(data, logarithm), attributes());
  });
  return Primitive(what, descriptor, {{DNNL_ARG_DIFF_DST, data}, {DNNL_ARG_DST, data}, {DNNL_ARG_DIFF_SRC, data}});
}
#else
namespace {
template <class Forward>
typename Forward::primitive_desc softmax_descriptor(const Desc& data) {
  return typename Forward::primitive_desc(
      typename Forward::desc(prop_kind::forward_training, data, data.dims().size() - 1), attributes(), engine());
}

template <class Forward>
Primitive softmax_forward(const std::string& what, const Desc& data) {
  const auto descriptor = described(what, [&] { return softmax_descriptor<Forward>(data); });
  return Primitive(what, descriptor, {{DNNL_ARG_SRC, data}, {DNNL_ARG_DST, data}});
}

template <class Forward, class Backward>
Primitive softmax_backward(const std::string& what, const Desc& data) {
  const auto descriptor = described(what, [&] {
    return typename Backward::primitive_desc(typename Backward::desc(data, data, data.dims().size() - 1), attributes(),
                                             engine(), softmax_descriptor<Forward>(data));
  });
  return Primitive(what, descriptor, {{DNNL_ARG_DIFF_DST, data}, {DNNL_ARG_DST, data}, {DNNL_ARG_DIFF_SRC, data}});
}
}  // namespace

Primitive make_softmax_forward(const std::string& what, const Desc& data, bool logarithm) {
  pin_this_thread();
  return logarithm ? softmax_forward<onednn::logsoftmax_forward>(what, data)
                   : softmax_forward<onednn::softmax_forward>(what, data);
}

Primitive make_softmax_backward(const std::string& what, const Desc& data, bool logarithm) {
  pin_this_thread();
  return logarithm ? softmax_backward<onednn::logsoftmax_forward, onednn::logsoftmax_backward>(what, data)
                   : softmax_backward<onednn::softmax_forward, onednn::softmax_backward>(what, data);
}
#endif

}  // namespace loom::dnnl::detail
