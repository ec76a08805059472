#include "loom/tensor.h"

#include "loom/error.h"

using namespace loom;

BOOST_AUTO_TEST_SUITE(tensors)

BOOST_AUTO_TEST_CASE(shapes) {
  const Shape abstract{kBatch, 4, 3};
  BOOST_TEST(abstract.per_sample());
  BOOST_TEST(abstract.count() == 12);
  BOOST_TEST((abstract.at_batch(5) == Shape({5, 4, 3})));
  BOOST_TEST(abstract.text() == "[N, 4, 3]");
  BOOST_TEST(Shape({-2, 1}).text() == "[2N, 1]");
  BOOST_TEST((Shape({-2, 1}).at_batch(3) == Shape({6, 1})));
  BOOST_TEST((abstract.event() == Shape({4, 3})));
  BOOST_CHECK_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
}

BOOST_AUTO_TEST_CASE(views) {
  Tensor t(DType::f32, {3, 2});
  for (int i = 0; i < 6; ++i) t.values()[static_cast<std::size_t>(i)] = static_cast<float>(i);
  const TensorView view = t.view();
  BOOST_TEST(view[1][0] == 2);
  BOOST_TEST(view.rows(1, 2).values()[3] == 5);
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(view.raw()) % 64 == 0);
  BOOST_CHECK_EXCEPTION(view.data<std::int32_t>(), Error,
                        [](const Error& e) { return e.code() == ErrorCode::dtype_mismatch; });
  const Tensor copy = t.clone();
  t.values()[0] = 9;
  BOOST_TEST(copy.values()[0] == 0);
}

BOOST_AUTO_TEST_SUITE_END()
