#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>

#include "dnnl/cpu.h"
#include "dnnl/eltwise.h"
#include "dnnl/layer_norm.h"
#include "dnnl/pooling.h"
#include "dnnl/softmax.h"
#include "dnnl/vector_loops.h"
#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

double reference(EltwiseKind kind, double x, double alpha) {
  switch (kind) {
    case EltwiseKind::relu: return std::max(x, 0.0);
    case EltwiseKind::leaky_relu: return x > 0 ? x : alpha * x;
    case EltwiseKind::elu: return x > 0 ? x : alpha * std::expm1(x);
    case EltwiseKind::gelu_erf: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case EltwiseKind::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case EltwiseKind::silu: return x / (1 + std::exp(-alpha * x));
    case EltwiseKind::tanh: return std::tanh(x);
    case EltwiseKind::sigmoid: return 1 / (1 + std::exp(-x));
    case EltwiseKind::softplus: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case EltwiseKind::exp: return std::exp(x);
  }
  return 0;
}

const EltwiseKind kKinds[] = {EltwiseKind::relu,      EltwiseKind::leaky_relu, EltwiseKind::elu,  EltwiseKind::gelu_erf,
                              EltwiseKind::gelu_tanh, EltwiseKind::silu,       EltwiseKind::tanh, EltwiseKind::sigmoid,
                              EltwiseKind::softplus,  EltwiseKind::exp};

}  // namespace

BOOST_AUTO_TEST_SUITE(dnnl_elementwise)

BOOST_AUTO_TEST_CASE(description) { BOOST_CHECK(describe().find("oneDNN ") == 0); }

BOOST_AUTO_TEST_CASE(activations) {
  for (const auto kind : kKinds) {
    for (const std::int64_t count : {1, 7, 16, 1003}) {
      const float alpha = kind == EltwiseKind::silu ? 1.0F : 0.3F;
      const Eltwise eltwise(kind, count, alpha);
      auto x = random_floats(count, 1);
      for (auto& value : x) value *= 5.0F;
      const auto diff_y = random_floats(count, 2);
      std::vector<float> y(x.size()), diff_x(x.size()), expected(x.size()), expected_diff(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double step = 1e-5;
        expected[i] = static_cast<float>(reference(kind, x[i], alpha));
        expected_diff[i] = static_cast<float>(
            diff_y[i] * (reference(kind, x[i] + step, alpha) - reference(kind, x[i] - step, alpha)) / (2 * step));
      }
      eltwise.forward(x.data(), y.data());
      const auto name = "kind " + std::to_string(static_cast<int>(kind));
      check_close(y, expected, name);
      const bool from_output = Eltwise::backward_reads_output(kind);
      eltwise.backward(diff_y.data(), from_output ? y.data() : x.data(), diff_x.data());
      check_close(diff_x, expected_diff, name + " backward", 1e-3F);
      if (from_output) {  // and in place
        eltwise.forward(x.data(), x.data());
        BOOST_CHECK(x == y);
        auto in_place = diff_y;
        eltwise.backward(in_place.data(), x.data(), in_place.data());
        BOOST_CHECK(in_place == diff_x);
      }
    }
  }
  BOOST_CHECK_THROW(Eltwise(EltwiseKind::relu, 0), std::invalid_argument);
  BOOST_CHECK_THROW(Eltwise(EltwiseKind::leaky_relu, 4, -1.0F), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(loops) {
  for (const std::int64_t count : {1, 5, 16, 33, 1000}) {
    const auto diff = random_floats(count, 1), y = random_floats(count, 2);
    std::vector<float> out(diff.size()), expected(diff.size());
    for (std::size_t i = 0; i < out.size(); ++i) expected[i] = y[i] > 0 ? diff[i] : 0.0F;
    relu_mask(diff.data(), y.data(), out.data(), count);
    BOOST_CHECK(out == expected);
    for (std::size_t i = 0; i < out.size(); ++i) expected[i] += y[i];
    add(y.data(), out.data(), count);
    BOOST_CHECK(out == expected);
  }
  for (const std::int64_t rows : {1, 3, 64, 1001}) {
    for (const std::int64_t columns : {1, 3, 15, 16, 40, 64, 100}) {
      const auto x = random_floats(rows * columns, 1), bias = random_floats(columns, 2);
      auto sums = random_floats(columns, 3), expected = sums;
      auto y = x, expected_y = x;
      for (std::size_t i = 0; i < x.size(); ++i) {
        expected[i % columns] += x[i];
        expected_y[i] = std::max(0.0F, x[i] + bias[i % columns]);
      }
      add_column_sums(x.data(), rows, columns, sums.data());
      check_close(sums, expected, "column sums");
      add_bias(y.data(), bias.data(), rows, columns, true);
      BOOST_CHECK(y == expected_y);
      add_bias(y.data(), nullptr, rows, columns, false);
      BOOST_CHECK(y == expected_y);
    }
  }
}

BOOST_AUTO_TEST_CASE(transposes) {
  for (const std::int64_t rows : {1, 3, 4, 17, 40}) {
    for (const std::int64_t columns : {1, 5, 16, 19, 64}) {
      const auto x = random_floats(rows * columns, 1);
      std::vector<float> y(x.size()), expected(x.size());
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) expected[c * rows + r] = x[r * columns + c];
      transpose(x.data(), rows, columns, y.data());
      BOOST_CHECK(y == expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(pooling) {
  for (const auto kind : {PoolingKind::max, PoolingKind::average, PoolingKind::average_padded}) {
    for (const std::int64_t c : {1, 3, 16, 20}) {
      for (int variant = 0; variant < 5; ++variant) {
        PoolingShape s;
        s.kind = kind, s.n = 2, s.c = c, s.h = 9, s.w = 10, s.kh = s.kw = s.stride_h = s.stride_w = 2;
        if (variant == 1) s.kh = s.kw = 3, s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
        if (variant == 2) s.kh = 3, s.kw = 4, s.stride_w = 1, s.pad_top = 1, s.pad_right = 2;
        if (variant == 3) s.h = s.kh = s.stride_h = 1, s.w = 31;
        if (variant == 4) s.kh = 9, s.kw = 10;
        const auto x = random_floats(s.x_count(), 1), diff_y = random_floats(s.y_count(), 2);
        std::vector<float> y(diff_y.size()), expected(y.size()), diff_x(x.size()), expected_diff(x.size());
        for (std::int64_t i = 0; i < s.y_count(); ++i) {
          const std::int64_t channel = i % c, ox = i / c % s.out_w(), oy = i / c / s.out_w() % s.out_h();
          const std::int64_t n = i / c / s.out_w() / s.out_h();
          std::vector<std::int64_t> inside;
          for (std::int64_t ky = 0; ky < s.kh; ++ky)
            for (std::int64_t kx = 0; kx < s.kw; ++kx) {
              const std::int64_t iy = oy * s.stride_h - s.pad_top + ky, ix = ox * s.stride_w - s.pad_left + kx;
              if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
              inside.push_back(((n * s.h + iy) * s.w + ix) * c + channel);
            }
          if (kind == PoolingKind::max) {
            std::int64_t best = inside[0];
            for (const auto j : inside) best = x[j] > x[best] ? j : best;
            expected[i] = x[best];
            expected_diff[best] += diff_y[i];
          } else {
            const auto count =
                kind == PoolingKind::average ? static_cast<float>(inside.size()) : static_cast<float>(s.kh * s.kw);
            for (const auto j : inside) expected[i] += x[j] / count, expected_diff[j] += diff_y[i] / count;
          }
        }
        const Pooling pooling(s);
        Scratch scratch(pooling.scratch_bytes()), workspace(pooling.workspace_bytes());
        BOOST_CHECK_EQUAL(pooling.workspace_bytes() != 0, kind == PoolingKind::max);
        pooling.inference(x.data(), y.data(), scratch.get());
        check_close(y, expected, "pooling inference");
        pooling.forward(x.data(), y.data(), workspace.get(), scratch.get());
        check_close(y, expected, "pooling");
        pooling.backward(diff_y.data(), workspace.get(), diff_x.data(), scratch.get());
        check_close(diff_x, expected_diff, "pooling backward");
        BOOST_CHECK(scratch.intact() && workspace.intact());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(softmax) {
  for (const bool logarithm : {false, true}) {
    for (const std::int64_t rows : {1, 5}) {
      for (const std::int64_t columns : {1, 10, 512, 1001}) {
        auto x = random_floats(rows * columns, 1);
        for (auto& value : x) value = value * 10.0F + 80.0F;  // would overflow without the subtraction of the maximum
        const auto diff_y = random_floats(rows * columns, 2);
        std::vector<float> y(x.size()), diff_x(x.size()), expected(x.size()), expected_diff(x.size());
        for (std::int64_t r = 0; r < rows; ++r) {
          double sum = 0, dot = 0;
          for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(x[r * columns + c]));
          for (std::int64_t c = 0; c < columns; ++c) {
            const auto i = r * columns + c;
            const double p = std::exp(static_cast<double>(x[i])) / sum;
            expected[i] = static_cast<float>(logarithm ? std::log(p) : p);
            dot += logarithm ? diff_y[i] : diff_y[i] * p;
          }
          for (std::int64_t c = 0; c < columns; ++c) {
            const auto i = r * columns + c;
            const double p = std::exp(static_cast<double>(x[i])) / sum;
            expected_diff[i] = static_cast<float>(logarithm ? diff_y[i] - p * dot : p * (diff_y[i] - dot));
          }
        }
        const Softmax softmax(rows, columns, logarithm);
        Scratch scratch(softmax.scratch_bytes());
        softmax.forward(x.data(), y.data(), scratch.get());
        check_close(y, expected, "softmax");
        softmax.backward(diff_y.data(), y.data(), diff_x.data(), scratch.get());
        check_close(diff_x, expected_diff, "softmax backward");
        BOOST_CHECK(scratch.intact());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(layer_norm) {
  for (const std::int64_t columns : {3, 16, 100}) {
    const std::int64_t rows = 6;
    const float epsilon = 1e-5F;
    const auto x = random_floats(rows * columns, 1), diff_y = random_floats(rows * columns, 2);
    const auto scale = random_floats(columns, 3), shift = random_floats(columns, 4);
    auto diff_scale = random_floats(columns, 5), diff_shift = random_floats(columns, 6);
    auto expected_scale = diff_scale, expected_shift = diff_shift;
    std::vector<float> y(x.size()), diff_x(x.size()), expected(x.size()), expected_diff(x.size());
    std::vector<float> mean(rows), variance(rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      double m = 0, v = 0, a = 0, b = 0;
      const auto at = [&](std::int64_t c) { return static_cast<std::size_t>(r * columns + c); };
      for (std::int64_t c = 0; c < columns; ++c) m += x[at(c)] / columns;
      for (std::int64_t c = 0; c < columns; ++c) v += (x[at(c)] - m) * (x[at(c)] - m) / columns;
      const double inverse = 1 / std::sqrt(v + epsilon);
      for (std::int64_t c = 0; c < columns; ++c) {
        const double normal = (x[at(c)] - m) * inverse, g = diff_y[at(c)] * scale[c];
        expected[at(c)] = static_cast<float>(normal * scale[c] + shift[c]);
        expected_scale[c] += static_cast<float>(diff_y[at(c)] * normal);
        expected_shift[c] += diff_y[at(c)];
        a += g / columns, b += g * normal / columns;
      }
      for (std::int64_t c = 0; c < columns; ++c) {
        const double normal = (x[at(c)] - m) * inverse;
        expected_diff[at(c)] = static_cast<float>(inverse * (diff_y[at(c)] * scale[c] - a - normal * b));
      }
    }
    const LayerNorm norm(rows, columns, epsilon);
    Scratch scratch(norm.scratch_bytes());
    norm.forward(x.data(), scale.data(), shift.data(), y.data(), mean.data(), variance.data(), scratch.get());
    check_close(y, expected, "layer norm");
    norm.backward(x.data(), scale.data(), mean.data(), variance.data(), diff_y.data(), diff_x.data(), diff_scale.data(),
                  diff_shift.data(), scratch.get());
    check_close(diff_x, expected_diff, "layer norm backward");
    check_close(diff_scale, expected_scale, "layer norm scale");
    check_close(diff_shift, expected_shift, "layer norm shift");
    BOOST_CHECK(scratch.intact());
  }
}

// Created on one thread, executed on others.
BOOST_AUTO_TEST_CASE(concurrent) {
  const Eltwise gelu(EltwiseKind::gelu_erf, 1000);
  const Softmax softmax(10, 100);
  const auto x = random_floats(1000, 1);
  std::vector<std::vector<float>> results(8, std::vector<float>(1000));
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      Scratch scratch(softmax.scratch_bytes());
      for (int i = 0; i < 200; ++i) {
        gelu.forward(x.data(), result.data());
        softmax.forward(result.data(), result.data(), scratch.get());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) BOOST_CHECK(result == results[0]);
}

// Around the sizes of whole tiles, and shapes of which no side fills one.
BOOST_AUTO_TEST_CASE(transposed_matrices) {
  for (const std::int64_t rows : {1, 3, 4, 15, 16, 17, 33, 64}) {
    for (const std::int64_t columns : {1, 2, 4, 5, 8, 31, 32}) {
      std::vector<float> from(static_cast<std::size_t>(rows * columns)), to(from.size() + 1, -1.0F);
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
      transpose(from.data(), rows, columns, to.data());
      BOOST_TEST(to.back() == -1.0F);
      std::int64_t wrong = 0;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t c = 0; c < columns; ++c)
          wrong += to[static_cast<std::size_t>(c * rows + r)] != from[static_cast<std::size_t>(r * columns + c)];
      }
      BOOST_TEST(wrong == 0, rows << " x " << columns);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
