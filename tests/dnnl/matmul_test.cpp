#include "dnnl/matmul.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

struct Strides {
  std::int64_t a, b, c, batch_a, batch_b, batch_c;
};

Strides strides(const MatmulShape& s) {
  Strides r{};
  r.a = s.lda ? s.lda : s.transpose_a ? s.m : s.k;
  r.b = s.ldb ? s.ldb : s.transpose_b ? s.k : s.n;
  r.c = s.ldc ? s.ldc : s.n;
  r.batch_a = s.batch_stride_a ? s.batch_stride_a : r.a * (s.transpose_a ? s.k : s.m);
  r.batch_b = s.batch_stride_b ? s.batch_stride_b : r.b * (s.transpose_b ? s.n : s.k);
  r.batch_c = s.batch_stride_c ? s.batch_stride_c : r.c * s.m;
  return r;
}

void check_matmul(const MatmulShape& s) {
  const Matmul matmul(s);
  const auto t = strides(s);
  const auto a = random_floats((s.batch - 1) * t.batch_a + t.a * (s.transpose_a ? s.k : s.m), 1);
  const auto b = random_floats((s.batch - 1) * t.batch_b + t.b * (s.transpose_b ? s.n : s.k), 2);
  const auto bias = random_floats(s.n, 3);
  auto c = random_floats((s.batch - 1) * t.batch_c + t.c * s.m, 4);  // what lies between the rows stays
  auto expected = c;
  for (std::int64_t i = 0; i < s.batch; ++i)
    for (std::int64_t m = 0; m < s.m; ++m)
      for (std::int64_t n = 0; n < s.n; ++n) {
        float& result = expected[i * t.batch_c + m * t.c + n];
        double sum = s.accumulate ? result : 0.0;
        if (s.bias) sum += bias[n];
        for (std::int64_t k = 0; k < s.k; ++k) {
          sum += a[i * t.batch_a + (s.transpose_a ? k * t.a + m : m * t.a + k)] *
                 b[i * t.batch_b + (s.transpose_b ? n * t.b + k : k * t.b + n)];
        }
        if (s.activation == Activation::relu) sum = std::max(sum, 0.0);
        result = static_cast<float>(sum);
      }
  Scratch scratch(matmul.scratch_bytes()), packed(matmul.packed_bytes());
  const void* right = b.data();
  if (matmul.packed_bytes() != 0) {
    matmul.pack(b.data(), packed.get(), scratch.get());
    right = packed.get();
  }
  matmul.execute(a.data(), right, bias.data(), c.data(), scratch.get());
  BOOST_CHECK(scratch.intact());
  BOOST_CHECK(packed.intact());
  check_close(c, expected,
              "matmul " + std::to_string(s.batch) + " " + std::to_string(s.m) + " " + std::to_string(s.k) + " " +
                  std::to_string(s.n) + " " + matmul.implementation());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dnnl_matmul)

BOOST_AUTO_TEST_CASE(every_combination) {
  for (const auto [m, n, k] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {1, 40, 20}, {5, 1, 33}, {16, 32, 48}, {33, 17, 65}, {4, 400, 784}}) {
    for (int bits = 0; bits < 64; ++bits) {
      MatmulShape s{.m = m, .n = n, .k = k};
      s.transpose_a = bits & 1, s.transpose_b = bits & 2, s.bias = bits & 4, s.accumulate = bits & 8;
      s.activation = bits & 16 ? Activation::relu : Activation::none;
      s.pack_b = bits & 32;
      check_matmul(s);
    }
  }
}

BOOST_AUTO_TEST_CASE(batches) {
  for (const bool transposed : {false, true}) {
    check_matmul({.m = 7, .n = 9, .k = 11, .batch = 3, .transpose_a = transposed, .transpose_b = transposed});
    check_matmul({.m = 32, .n = 32, .k = 16, .batch = 2, .transpose_b = transposed, .bias = true});
    check_matmul({.m = 5, .n = 6, .k = 7, .batch = 2, .transpose_a = transposed, .accumulate = true});
  }
}

BOOST_AUTO_TEST_CASE(inside_larger_matrices) {
  for (int bits = 0; bits < 16; ++bits) {
    MatmulShape s{.m = 10, .n = 12, .k = 14, .lda = 20, .ldb = 22, .ldc = 24};
    s.transpose_a = bits & 1, s.transpose_b = bits & 2, s.accumulate = bits & 4, s.bias = bits & 8;
    check_matmul(s);
  }
}

// Every class of shape: sizes of 1, of one vector and of more than one block, in all places; rows dense and apart; single
// and in batches. A library that computes one of them differently than asked is found here, whatever its version.
// oneDNN 3.7.2 does: products of one column whose values do not lie next to each other.
BOOST_AUTO_TEST_CASE(every_class_of_shape) {
  const std::int64_t sizes[] = {1, 2, 3, 8, 17, 70};
  for (const std::int64_t m : sizes)
    for (const std::int64_t n : sizes)
      for (const std::int64_t k : sizes)
        for (int bits = 0; bits < 128; ++bits) {
          MatmulShape s{.m = m, .n = n, .k = k, .batch = bits & 64 ? 3 : 1};
          s.transpose_a = bits & 1, s.transpose_b = bits & 2, s.accumulate = bits & 4;
          s.lda = bits & 8 ? (s.transpose_a ? m : k) + 3 : 0;
          s.ldb = bits & 16 ? (s.transpose_b ? k : n) + 1 : 0;
          s.ldc = bits & 32 ? n + 7 : 0;
          check_matmul(s);
        }
}

// One column of values and of the result, 2 to 8 floats apart: one channel of several in an attention.
BOOST_AUTO_TEST_CASE(one_column_among_others) {
  for (const std::int64_t apart : {2, 4, 6, 8})
    for (int bits = 0; bits < 16; ++bits) {
      MatmulShape s{.m = 140, .n = 1, .k = 140, .ldb = bits & 1 ? apart : 1, .ldc = bits & 2 ? apart : 1};
      s.transpose_a = bits & 4, s.accumulate = bits & 8;
      check_matmul(s);
      s.batch = 4, s.batch_stride_b = 1, s.batch_stride_c = 1;
      if (bits & 1 && bits & 2 && apart >= 4) check_matmul(s);
      MatmulShape one{.m = 1, .n = 30, .k = 40, .lda = 40 * apart, .ldb = 30 + apart, .ldc = 30 * apart};
      one.transpose_b = bits & 4, one.accumulate = bits & 8;
      if (one.transpose_b) one.ldb = 40 + apart;
      check_matmul(one);
      // A left operand of one column, with a packed right one.
      MatmulShape left{.m = 1, .n = 30, .k = 40, .transpose_a = true, .bias = true, .pack_b = true, .lda = apart};
      left.transpose_b = bits & 4, left.accumulate = bits & 8;
      check_matmul(left);
    }
}

// Queries, keys and values of 4 heads in one [tokens,3,heads,d].
BOOST_AUTO_TEST_CASE(attention_heads) {
  const std::int64_t tokens = 19, heads = 4, d = 8, width = 3 * heads * d;
  check_matmul({.m = tokens,
                .n = tokens,
                .k = d,
                .batch = heads,
                .transpose_b = true,
                .lda = width,
                .ldb = width,
                .batch_stride_a = d,
                .batch_stride_b = d});
  check_matmul({.m = tokens,
                .n = d,
                .k = tokens,
                .batch = heads,
                .ldb = width,
                .ldc = heads * d,
                .batch_stride_b = d,
                .batch_stride_c = d});
  check_matmul({.m = tokens,
                .n = d,
                .k = tokens,
                .batch = heads,
                .transpose_a = true,
                .ldb = width,
                .ldc = heads * d,
                .batch_stride_b = d,
                .batch_stride_c = d});
}

BOOST_AUTO_TEST_CASE(impossible_shapes) {
  BOOST_CHECK_THROW(Matmul({.m = 0, .n = 1, .k = 1}), std::invalid_argument);
  BOOST_CHECK_THROW(Matmul({.m = 4, .n = 4, .k = 4, .lda = 3}), std::invalid_argument);
  BOOST_CHECK_THROW(Matmul({.m = 4, .n = 4, .k = 4, .batch = 2, .pack_b = true}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(concurrent) {
  const Matmul matmul({.m = 16, .n = 100, .k = 50, .transpose_b = true});
  const auto a = random_floats(16 * 50, 1), b = random_floats(100 * 50, 2);
  std::vector<std::vector<float>> results(8, std::vector<float>(1600));
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      Scratch scratch(matmul.scratch_bytes());
      for (int i = 0; i < 200; ++i) matmul.execute(a.data(), b.data(), nullptr, result.data(), scratch.get());
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) BOOST_CHECK(result == results[0]);
}

BOOST_AUTO_TEST_SUITE_END()
