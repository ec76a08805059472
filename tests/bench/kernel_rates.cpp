// kernel-rates: the hand-written kernels of framework/math and framework/dnnl, each with its share of the limit, beside
// what oneDNN has for the same.
//
//   OMP_NUM_THREADS=1 build/release/bin/kernel-rates            as a Markdown table; exit code 1 if a kernel is slower
//                                                               than oneDNN's by more than a tenth
//
// One thread, operands in the second-level cache (256 KiB each). The two programs run in turn, and the best of many
// rounds counts. The limit of memory is the rate of memcpy on the same working set; that of arithmetic is not shown: for
// functions such as tanh the comparison with oneDNN says more, with the largest relative errors in units of 2^-24.
// Convolutions have tables of their own: winograd-table, bf16-forms.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

#include "dnnl/softmax.h"
#include "dnnl/vector_loops.h"
#include "loom/math.h"
#include "loom/tensor.h"
#include "math/activation.h"
#include "math/attention.h"
#include "math/bf16.h"
#include "math/block_program.h"
#include "math/channels.h"
#include "math/gate.h"
#include "math/likelihood.h"
#include "math/update.h"

namespace {

using namespace loom;

constexpr std::int64_t kCount = 64 * 1024, kRows = 512, kColumns = 128;  // kRows kColumns = kCount
constexpr int kRounds = 60;

using Work = std::function<void()>;

struct Kernel {
  std::string name;
  double bytes;  // read and written, per value
  Work run;
  Work other;  // oneDNN's; none: it has nothing for it
  // Of a function: its value at x, in double, and where x and the results are.
  double (*exact)(double) = nullptr;
  const float *x = nullptr, *y = nullptr;
};

// The largest relative error, in units of 2^-24, of what `work` leaves in y.
double error_of(const Kernel& kernel, const Work& work) {
  work();
  double worst = 0;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const double exact = kernel.exact(static_cast<double>(kernel.x[i]));
    if (exact != 0) worst = std::max(worst, std::abs(static_cast<double>(kernel.y[i]) / exact - 1));
  }
  return worst * 0x1.0p24;
}

double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 8;
}

// On cache lines, as tensors are: a store across two of them takes twice as long.
template <class T>
class Array {
 public:
  explicit Array(std::int64_t count) : memory_(allocate_bytes(static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }

 private:
  AlignedBytes memory_;
};

Array<float> values(float low, float high, std::int64_t count = kCount) {
  Array<float> made(count);
  for (std::int64_t i = 0; i < count; ++i)
    made.data()[i] = low + (high - low) * static_cast<float>((i * 7919) % 1009) / 1009.0F;
  return made;
}

// oneDNN's primitives on the same arrays.
class Library {
 public:
  using Desc = ::dnnl::memory::desc;
  using Type = ::dnnl::memory::data_type;

  ::dnnl::memory memory(const Desc& desc, const void* at) const { return {desc, engine_, const_cast<void*>(at)}; }
  static Desc flat(Type type = Type::f32) { return {{kCount}, type, ::dnnl::memory::format_tag::a}; }
  static Desc rows() { return {{kRows, kColumns}, Type::f32, ::dnnl::memory::format_tag::ab}; }

  Work eltwise(::dnnl::algorithm kind, const float* x, float* y, float alpha = 0, float beta = 0) const {
#if DNNL_VERSION_MAJOR >= 3
    const ::dnnl::eltwise_forward::primitive_desc descriptor(engine_, ::dnnl::prop_kind::forward_inference, kind,
                                                             flat(), flat(), alpha, beta);
#else
    const ::dnnl::eltwise_forward::primitive_desc descriptor(
        ::dnnl::eltwise_forward::desc(::dnnl::prop_kind::forward_inference, kind, flat(), alpha, beta), engine_);
#endif
    return run(::dnnl::eltwise_forward(descriptor),
               {{DNNL_ARG_SRC, memory(flat(), x)}, {DNNL_ARG_DST, memory(flat(), y)}});
  }
  Work binary(::dnnl::algorithm kind, const float* a, const float* b, float* y) const {
#if DNNL_VERSION_MAJOR >= 3
    const ::dnnl::binary::primitive_desc descriptor(engine_, kind, flat(), flat(), flat());
#else
    const ::dnnl::binary::primitive_desc descriptor(::dnnl::binary::desc(kind, flat(), flat(), flat()), engine_);
#endif
    return run(
        ::dnnl::binary(descriptor),
        {{DNNL_ARG_SRC_0, memory(flat(), a)}, {DNNL_ARG_SRC_1, memory(flat(), b)}, {DNNL_ARG_DST, memory(flat(), y)}});
  }
  Work reduction(::dnnl::algorithm kind, const Desc& from, const Desc& to, const float* x, float* y) const {
#if DNNL_VERSION_MAJOR >= 3
    const ::dnnl::reduction::primitive_desc descriptor(engine_, kind, from, to, 0, 0);
#else
    const ::dnnl::reduction::primitive_desc descriptor(::dnnl::reduction::desc(kind, from, to, 0, 0), engine_);
#endif
    return run(::dnnl::reduction(descriptor), {{DNNL_ARG_SRC, memory(from, x)}, {DNNL_ARG_DST, memory(to, y)}});
  }
  static Work softmax(bool logarithm, const float* x, float* y) {
    const auto kernel = std::make_shared<loom::dnnl::Softmax>(kRows, kColumns, logarithm);
    const auto scratch = std::make_shared<std::vector<float>>(kernel->scratch_bytes() / sizeof(float) + 16);
    return [=] { kernel->forward(x, y, scratch->data()); };
  }
  Work reorder(const Desc& from, const void* x, const Desc& to, void* y) const {
    const ::dnnl::memory source = memory(from, x), target = memory(to, y);
    return run(::dnnl::reorder(source, target), {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}});
  }

 private:
  Work run(const ::dnnl::primitive& primitive, std::unordered_map<int, ::dnnl::memory> arguments) const {
    return [this, primitive, arguments = std::move(arguments)] {
      primitive.execute(stream_, arguments);
      stream_.wait();
    };
  }

  ::dnnl::engine engine_{::dnnl::engine::kind::cpu, 0};
  mutable ::dnnl::stream stream_{engine_};
};

struct Arrays {
  Array<float> x = values(-4, 4), positive = values(0.1F, 4), y = values(-1, 1), z = values(-2, 2), w = values(0, 1),
               v = values(0, 1), wide = values(-1, 1, 2 * kCount), row = values(-1, 1, 2 * kColumns);
  Array<BFloat16> a{kCount}, b{kCount};
  std::vector<double> first = std::vector<double>(kColumns), second = first;
  double sum = 0;
};

using Kernels = std::vector<Kernel>;

void add_functions(Kernels& list, Arrays& m, const Library& library) {
  using ::dnnl::algorithm;
  const float* x = m.x.data();
  float* y = m.y.data();
  const auto function = [&](const char* name, void (*run)(const float*, float*, std::int64_t), const float* from,
                            std::optional<algorithm> kind, double (*exact)(double)) {
    list.push_back(
        {name, 8, [=] { run(from, y, kCount); }, kind ? library.eltwise(*kind, from, y) : Work(), exact, from, y});
  };
  function("exp", math::exp, x, algorithm::eltwise_exp, [](double v) { return std::exp(v); });
  function("log", math::log, m.positive.data(), algorithm::eltwise_log, [](double v) { return std::log(v); });
  function("log1p", math::log1p, m.positive.data(), {}, [](double v) { return std::log1p(v); });
  function("sigmoid", math::sigmoid, x, algorithm::eltwise_logistic, [](double v) { return 1 / (1 + std::exp(-v)); });
  function("tanh", math::tanh, x, algorithm::eltwise_tanh, [](double v) { return std::tanh(v); });
  function("softplus", math::softplus, x, algorithm::eltwise_soft_relu,
           [](double v) { return std::log1p(std::exp(v)); });
  function("erf", math::erf, x, {}, [](double v) { return std::erf(v); });
  const auto activation = [&](math::Activation kind, std::optional<algorithm> other, float alpha = 0) {
    const std::string name = math::activation_names()[static_cast<std::size_t>(kind)];
    list.push_back({"activation " + name, 8, [=] { math::activate(kind, math::default_shape(kind), x, y, kCount); },
                    other ? library.eltwise(*other, x, y, alpha) : Work()});
    list.push_back({"gradient of " + name,
                    12,
                    [=, &m] { math::activation_gradient(kind, math::default_shape(kind), x, m.z.data(), y, kCount); },
                    {}});
  };
  activation(math::Activation::gelu, algorithm::eltwise_gelu_erf);
  activation(math::Activation::silu, algorithm::eltwise_swish, 1);
  activation(math::Activation::elu, algorithm::eltwise_elu, 1);
  activation(math::Activation::mish, {});
}

void add_arithmetic(Kernels& list, Arrays& m, const Library& library) {
  using ::dnnl::algorithm;
  const float *x = m.x.data(), *z = m.z.data();
  float* y = m.y.data();
  list.push_back({"add", 12, [=] { math::add(x, z, y, kCount); }, library.binary(algorithm::binary_add, x, z, y)});
  list.push_back(
      {"multiply", 12, [=] { math::multiply(x, z, y, kCount); }, library.binary(algorithm::binary_mul, x, z, y)});
  list.push_back({"multiply_add", 16, [=] { math::multiply_add(x, z, y, kCount); }, {}});
  list.push_back(
      {"scale", 8, [=] { math::scale(0.5F, x, y, kCount); }, library.eltwise(algorithm::eltwise_linear, x, y, 0.5F)});
  list.push_back({"accumulate", 12, [=] { math::accumulate(0.5F, x, y, kCount); }, {}});
  list.push_back(
      {"clamp", 8, [=] { math::clamp(-1, 1, x, y, kCount); }, library.eltwise(algorithm::eltwise_clip, x, y, -1, 1)});
  list.push_back({"relu", 8, [=] { loom::dnnl::relu(y, kCount); }, library.eltwise(algorithm::eltwise_relu, y, y)});
  list.push_back({"relu_mask", 12, [=] { loom::dnnl::relu_mask(x, z, y, kCount); }, {}});
  list.push_back({"add_bias", 8, [=, &m] { loom::dnnl::add_bias(y, m.row.data(), kRows, kColumns, true); }, {}});
  list.push_back({"transpose", 8, [=] { loom::dnnl::transpose(x, kRows, kColumns, y); },
                  library.reorder(Library::rows(), x,
                                  {{kRows, kColumns}, Library::Type::f32, ::dnnl::memory::format_tag::ba}, y)});
  list.push_back({"to_bf16", 6, [=, &m] { math::to_bf16(x, m.a.data(), kCount); },
                  library.reorder(Library::flat(), x, Library::flat(Library::Type::bf16), m.a.data())});
  list.push_back({"to_f32", 6, [=, &m] { math::to_f32(m.a.data(), y, kCount); },
                  library.reorder(Library::flat(Library::Type::bf16), m.a.data(), Library::flat(), y)});
  list.push_back({"bf16 add", 6, [&m] { math::add(m.a.data(), m.b.data(), m.b.data(), kCount); }, {}});
  list.push_back({"bf16 relu", 4, [&m] { math::relu(m.b.data(), kCount); }, {}});
  list.push_back({"bf16 relu_mask", 6, [&m] { math::relu_mask(m.a.data(), m.b.data(), m.b.data(), kCount); }, {}});
}

void add_reductions(Kernels& list, Arrays& m, const Library& library) {
  using ::dnnl::algorithm;
  const float *x = m.x.data(), *z = m.z.data();
  float* y = m.y.data();
  const Library::Desc one({1}, Library::Type::f32, ::dnnl::memory::format_tag::a);
  const Library::Desc row({1, kColumns}, Library::Type::f32, ::dnnl::memory::format_tag::ab);
  list.push_back({"sum", 4, [=, &m] { m.sum += math::sum(x, kCount); },
                  library.reduction(algorithm::reduction_sum, Library::flat(), one, x, y)});
  list.push_back({"sum_of_squares", 4, [=, &m] { m.sum += math::sum_of_squares(x, kCount); }, {}});
  list.push_back({"dot", 8, [=, &m] { m.sum += math::dot(x, z, kCount); }, {}});
  list.push_back({"squared_distance", 8, [=, &m] { m.sum += math::squared_distance(x, z, kCount); }, {}});
  list.push_back({"maximum", 4, [=, &m] { m.sum += math::maximum(x, kCount); },
                  library.reduction(algorithm::reduction_max, Library::flat(), one, x, y)});
  list.push_back({"column sums", 4, [=, &m] { loom::dnnl::add_column_sums(x, kRows, kColumns, m.row.data()); },
                  library.reduction(algorithm::reduction_sum, Library::rows(), row, x, m.row.data())});
  list.push_back(
      {"bf16 column sums", 2, [&m] { math::add_column_sums(m.a.data(), kRows, kColumns, m.row.data()); }, {}});
  const auto rows = [=](void (*run)(const float*, float*, std::int64_t)) {
    return [=] {
      for (std::int64_t r = 0; r < kRows; ++r) run(x + r * kColumns, y + r * kColumns, kColumns);
    };
  };
  list.push_back({"softmax", 8, rows(math::softmax), Library::softmax(false, x, y)});
  list.push_back({"log_softmax", 8, rows(math::log_softmax), Library::softmax(true, x, y)});
}

void add_layers(Kernels& list, Arrays& m) {
  const float *x = m.x.data(), *z = m.z.data(), *w = m.w.data();
  float* y = m.y.data();
  list.push_back(
      {"affine_rows", 8, [=, &m] { math::affine_rows(x, m.row.data(), m.row.data(), y, kRows, kColumns); }, {}});
  list.push_back({"combine_rows",
                  12,
                  [=, &m] { math::combine_rows(x, m.row.data(), z, m.row.data(), m.row.data(), y, kRows, kColumns); },
                  {}});
  list.push_back({"channel_moments",
                  4,
                  [=, &m] { math::channel_moments(x, m.row.data(), m.first.data(), m.second.data(), kRows, kColumns); },
                  {}});
  list.push_back(
      {"channel_products",
       8,
       [=, &m] { math::channel_products(x, z, m.row.data(), m.first.data(), m.second.data(), kRows, kColumns); },
       {}});
  list.push_back({"gate", 12, [=, &m] { math::gate(m.wide.data(), m.row.data(), nullptr, y, kRows, kColumns); }, {}});
  list.push_back({"bernoulli_nll", 8, [=, &m] { m.sum += math::bernoulli_nll(x, w, kCount); }, {}});
  list.push_back({"bernoulli_nll gradient", 12, [=] { math::bernoulli_nll_gradient(1, x, w, y, kCount); }, {}});
  list.push_back({"gaussian_kl", 8, [=, &m] { m.sum += math::gaussian_kl(x, z, nullptr, kCount); }, {}});
  list.push_back({"reparametrise", 16, [=] { math::reparametrise(x, z, w, y, kCount); }, {}});
  list.push_back({"head_dots", 4, [=, &m] { math::head_dots(1, m.row.data(), x, 4, 32, kRows, y, kRows); }, {}});
  list.push_back({"head_sums", 4, [=, &m] { math::head_sums(w, kRows, x, 4, 32, kRows, m.row.data()); }, {}});
  list.push_back({"adam_update", 28, [=, &m] { math::adam_update(y, z, m.w.data(), m.v.data(), kCount, {}); }, {}});
  list.push_back({"sgd_update", 12, [=] { math::sgd_update(y, z, nullptr, kCount, {}); }, {}});
}

std::string error_text(const Kernel& kernel, const Work& work) {
  return kernel.exact == nullptr ? " |" : fmt::format(" {:.1f} |", error_of(kernel, work));
}

// GB/s of memcpy on arrays of that size, reads and writes counted.
double copy_rate(Arrays& m) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round)
    best = std::min(best, seconds([&] { std::memcpy(m.v.data(), m.w.data(), kCount * sizeof(float)); }));
  return 8e-9 * kCount / best;
}

}  // namespace

int main() {
  Arrays m;
  const Library library;
  Kernels kernels;
  add_functions(kernels, m, library);
  add_arithmetic(kernels, m, library);
  add_reductions(kernels, m, library);
  add_layers(kernels, m);
  const double copy = copy_rate(m);
  std::printf(
      "memcpy moves %.0f GB/s.\n\n| kernel | ns/value | GB/s | of memcpy | error | oneDNN ns/value | ratio | error |\n",
      copy);
  std::puts("| --- | --- | --- | --- | --- | --- | --- | --- |");
  int slower = 0;
  for (const Kernel& kernel : kernels) {
    double own = 1e9, other = 1e9;
    for (int round = 0; round < kRounds; ++round) {
      own = std::min(own, seconds(kernel.run));
      if (kernel.other) other = std::min(other, seconds(kernel.other));
    }
    const double rate = kernel.bytes * 1e-9 * kCount / own;
    std::printf("| %s | %.3f | %.0f | %.0f %% |", kernel.name.c_str(), 1e9 * own / kCount, rate, 100 * rate / copy);
    std::fputs(error_text(kernel, kernel.run).c_str(), stdout);
    if (kernel.other) {
      std::printf(" %.3f | %.2f |%s\n", 1e9 * other / kCount, other / own, error_text(kernel, kernel.other).c_str());
      if (own > 1.1 * other) ++slower;
    } else {
      std::puts(" | | |");
    }
  }
  if (slower > 0) std::printf("\n%d slower than oneDNN's by more than a tenth\n", slower);
  return slower > 0 ? 1 : m.sum == 0.5 ? 2 : 0;  // the sums are used
}
