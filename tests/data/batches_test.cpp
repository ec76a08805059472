// Batches: reproducible from (seed, number, batch), any position, errors and their end.
#include "data/batches.h"

#include <set>

#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// Counts: item i is x = [i, i, i, i, i, i] of shape [2, 3] and label i.
class Counter final : public Dataset {
 public:
  static void declare(Contract& c) {
    c.output("x", "[N, 2, 3]", "");
    c.output("label", "[N]", "").dtype(DType::i32);
    c.option("count", 10, integer(), "");
    c.option("bad", -1, integer(), "");
  }
  explicit Counter(const Options& options) : count_(options.integer("count")), bad_(options.integer("bad")) {}
  std::int64_t size() const override { return count_; }
  std::vector<Column> columns() const override { return {{"x", DType::f32, {2, 3}}, {"label", DType::i32, {}}}; }
  void read(std::int64_t index, std::span<const TensorView> out) const override {
    if (index == bad_) throw Error(ErrorCode::data_corrupt, "a bad item");
    std::ranges::fill(out[0].values(), static_cast<float>(index));
    *out[1].data<std::int32_t>() = static_cast<std::int32_t>(index);
  }
  std::string hash() const override { return "counter"; }

 private:
  std::int64_t count_, bad_;
};

std::shared_ptr<const DataSource> counter(int count, int bad = -1) {
  Registry registry;
  registry.add(detail::make_type<DatasetType, Counter>("counter"));
  return std::make_shared<DataSource>(registry, data_entry("counter", {{"count", count}, {"bad", bad}}));
}

ColumnRequest x_request() { return {"x", DType::f32, {2, 3}, {}}; }
Batches shuffled(int count, std::int64_t batch, std::uint64_t seed = 1) {
  return {counter(count), {x_request()}, batch, seed, true};
}

std::vector<std::int64_t> indices(Batches& batches) {
  const Batches::View view = batches.next();
  return {view.indices.begin(), view.indices.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(an_epoch_is_a_permutation_without_its_tail) {
  Batches batches = shuffled(10, 3);
  BOOST_TEST(batches.batches_per_epoch() == 3);
  std::vector<std::vector<std::int64_t>> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> all;
    for (int k = 0; k < 3; ++k) std::ranges::copy(indices(batches), std::back_inserter(all));
    BOOST_TEST((std::set<std::int64_t>(all.begin(), all.end()).size() == 9));
    epochs.push_back(all);
  }
  BOOST_TEST(epochs[0] != epochs[1]);
  BOOST_TEST(epochs[1] != epochs[2]);
}

BOOST_AUTO_TEST_CASE(the_content_belongs_to_the_indices) {
  Batches batches({counter(20), {x_request(), {"label", DType::i32, {1}, {}}, {"x", DType::f32, {6}, {}}}, 4, 1, true});
  for (int k = 0; k < 20; ++k) {
    const Batches::View view = batches.next();
    BOOST_REQUIRE(view.samples == 4);
    BOOST_TEST((view.columns[0].shape() == Shape{4, 2, 3}));
    BOOST_TEST((view.columns[1].shape() == Shape{4, 1}));
    BOOST_TEST((view.columns[2].shape() == Shape{4, 6}));  // the same column twice, once reshaped
    for (std::int64_t n = 0; n < 4; ++n) {
      const auto index = view.indices[static_cast<std::size_t>(n)];
      for (float value : view.columns[0].operator[]<float>(n)) BOOST_TEST(value == static_cast<float>(index));
      for (float value : view.columns[2].operator[]<float>(n)) BOOST_TEST(value == static_cast<float>(index));
      BOOST_TEST(view.columns[1].operator[]<std::int32_t>(n)[0] == index);
    }
  }
}

BOOST_AUTO_TEST_CASE(seek_is_the_same_as_skipping) {
  Batches skipping = shuffled(10, 3), seeking = shuffled(10, 3);
  for (int k = 0; k < 7; ++k) skipping.next();
  seeking.next();
  seeking.seek(7);
  for (int k = 0; k < 5; ++k) BOOST_TEST(indices(skipping) == indices(seeking));
  seeking.seek(0);
  Batches fresh = shuffled(10, 3);
  BOOST_TEST(indices(fresh) == indices(seeking));
  Batches other = shuffled(10, 3, 2);
  std::vector<std::int64_t> a, b;
  for (int k = 0; k < 3; ++k) {
    std::ranges::copy(indices(fresh), std::back_inserter(a));
    std::ranges::copy(indices(other), std::back_inserter(b));
  }
  BOOST_TEST(a != b);
}

BOOST_AUTO_TEST_CASE(data_smaller_than_a_batch_repeats) {
  Batches batches = shuffled(3, 8);
  BOOST_TEST(batches.batches_per_epoch() == 1);
  const std::vector<std::int64_t> items = indices(batches);
  BOOST_TEST(items.size() == 8U);
  for (std::int64_t index = 0; index < 3; ++index) BOOST_TEST(std::ranges::count(items, index) >= 2);
}

BOOST_AUTO_TEST_CASE(in_order_the_last_batch_is_short_and_then_there_is_none) {
  Batches batches(counter(10), {x_request()}, 4, 1, false);
  BOOST_TEST(batches.batches_per_epoch() == 3);
  for (int pass = 0; pass < 2; ++pass) {
    BOOST_TEST((indices(batches) == std::vector<std::int64_t>{0, 1, 2, 3}));
    BOOST_TEST((indices(batches) == std::vector<std::int64_t>{4, 5, 6, 7}));
    const Batches::View last = batches.next();
    BOOST_TEST(last.samples == 2);
    BOOST_TEST((last.columns[0].shape() == Shape{2, 2, 3}));
    BOOST_TEST(batches.next().samples == 0);
    BOOST_TEST(batches.next().samples == 0);
    batches.seek(0);
  }
  batches.seek(100);
  BOOST_TEST(batches.next().samples == 0);
}

BOOST_AUTO_TEST_CASE(in_order_a_last_batch_that_is_too_small_is_joined_to_the_one_before) {
  const auto sizes = [](int count, std::int64_t batch, std::int64_t least, std::int64_t items) {
    Batches batches(counter(count), {x_request()}, batch, 1, false, 2, least);
    if (items > 0) batches.restart(items);
    std::vector<std::int64_t> found;
    std::int64_t next = 0;
    for (;;) {
      const Batches::View view = batches.next();
      if (view.samples == 0) return found;
      found.push_back(view.samples);
      for (std::int64_t n = 0; n < view.samples; ++n, ++next) {
        BOOST_TEST(view.indices[static_cast<std::size_t>(n)] == next);
        BOOST_TEST(view.columns[0][n][5] == static_cast<float>(next));
      }
    }
  };
  using Sizes = std::vector<std::int64_t>;
  BOOST_TEST((sizes(9, 4, 1, 0) == Sizes{4, 4, 1}));
  BOOST_TEST((sizes(9, 4, 2, 0) == Sizes{4, 5}));
  BOOST_TEST((sizes(10, 4, 2, 0) == Sizes{4, 4, 2}));
  BOOST_TEST((sizes(10, 4, 3, 0) == Sizes{4, 6}));
  BOOST_TEST((sizes(8, 4, 2, 0) == Sizes{4, 4}));
  BOOST_TEST((sizes(3, 2, 2, 0) == Sizes{3}));
  BOOST_TEST((sizes(1, 4, 2, 0) == Sizes{1}));  // there is none before it
  BOOST_TEST((sizes(30, 4, 2, 5) == Sizes{5}));
  BOOST_TEST((sizes(30, 4, 1, 5) == Sizes{4, 1}));
  BOOST_TEST((sizes(3, 4, 2, 30) == Sizes{3}));
}

BOOST_AUTO_TEST_CASE(an_error_of_the_worker_arrives_at_its_batch) {
  Batches batches(counter(10, 5), {x_request()}, 2, 1, false);
  batches.next();
  batches.next();
  for (int time = 0; time < 2; ++time) check_error(ErrorCode::data_corrupt, {"a bad item"}, [&] { batches.next(); });
  batches.seek(3);
  BOOST_TEST((indices(batches) == std::vector<std::int64_t>{6, 7}));
}

BOOST_AUTO_TEST_CASE(columns_that_do_not_fit) {
  const auto open = [](ColumnRequest request) { return [request] { Batches(counter(10), {request}, 2, 1, true); }; };
  const Location where = {"model.yaml", 3, 4};
  check_error(ErrorCode::data_shape, {"model.yaml:3:4", "no column 'lable'", "'label'"},
              open({"lable", DType::i32, {}, where}));
  check_error(ErrorCode::data_shape, {"model.yaml:3:4", "[2, 3]", "[7]"}, open({"x", DType::f32, {7}, where}));
  check_error(ErrorCode::dtype_mismatch, {"f32", "i32"}, open({"label", DType::f32, {}, where}));
  check_error(ErrorCode::out_of_range, {"batch"}, [] { Batches(counter(10), {}, 0, 1, true); });
}

BOOST_AUTO_TEST_CASE(the_mask_of_data_without_gaps_is_1) {
  Batches batches(counter(10), {{"", DType::f32, {2}, {}}, x_request()}, 4, 1, false);
  for (int time = 0; time < 3; ++time) {
    const Batches::View view = batches.next();
    for (const float value : view.columns[0].values()) BOOST_TEST(value == 1);
    BOOST_TEST(view.columns[1].values()[0] == static_cast<float>(4 * time));
  }
}

BOOST_AUTO_TEST_CASE(stops_while_the_worker_waits_or_works) {
  for (int time = 0; time < 50; ++time) {
    Batches batches(counter(1000), {x_request()}, 16, 1, true, 3);
    if (time % 3 != 0) batches.next();
    if (time % 5 == 0) batches.seek(time);
    if (time % 2 != 0) batches.next();
  }
}

BOOST_AUTO_TEST_SUITE_END()
