// flip and shift: training batches hold mirrored and moved pictures, and nothing else reads them so.
#include "data/batches.h"
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kSide = 8;

std::shared_ptr<const DataSource> sprites(const OptionList& more) {
  OptionList options = {{"size", kSide}, {"count", 60}};
  options.insert(options.end(), more.begin(), more.end());
  return std::make_shared<DataSource>(standard_registry(), data_entry("sprites", options));
}

Batches batches_of(const std::shared_ptr<const DataSource>& source, bool shuffle) {
  return {source, {{"x", DType::f32, {kSide, kSide, 1}, {}, {}}}, 16, 1, shuffle};
}

// The picture moved by (down, right) with its edges repeated, then mirrored or not.
std::vector<float> changed(const std::vector<float>& picture, std::int64_t down, std::int64_t right, bool mirrored) {
  std::vector<float> result;
  for (std::int64_t y = 0; y < kSide; ++y) {
    for (std::int64_t x = 0; x < kSide; ++x) {
      const std::int64_t column = mirrored ? kSide - 1 - x : x;
      const std::int64_t from_y = std::clamp<std::int64_t>(y - down, 0, kSide - 1),
                         from_x = std::clamp<std::int64_t>(column - right, 0, kSide - 1);
      result.push_back(picture[static_cast<std::size_t>(from_y * kSide + from_x)]);
    }
  }
  return result;
}

std::vector<float> row_of(const Batches::View& batch, std::int64_t n) {
  const auto row = batch.columns[0][n];
  return {row.begin(), row.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(changed_pictures)

BOOST_AUTO_TEST_CASE(training_batches_are_changed_and_repeat) {
  const auto source = sprites({{"flip", "horizontal"}, {"shift", 2}});
  Batches batches = batches_of(source, true), again = batches_of(source, true);
  int other = 0, mirrored = 0, moved = 0;
  for (int step = 0; step < 6; ++step) {
    const Batches::View batch = batches.next(), same = again.next();
    for (std::int64_t n = 0; n < batch.samples; ++n) {
      const std::vector<float> values = row_of(batch, n),
                               stored = Item(*source, batch.indices[static_cast<std::size_t>(n)]).floats();
      BOOST_TEST(values == row_of(same, n));
      bool found = false;
      for (std::int64_t down = -2; down <= 2; ++down) {
        for (std::int64_t right = -2; right <= 2; ++right) {
          for (const bool mirror : {false, true}) {
            if (found || values != changed(stored, down, right, mirror)) continue;
            found = true;
            mirrored += mirror ? 1 : 0;
            moved += down != 0 || right != 0 ? 1 : 0;
          }
        }
      }
      BOOST_TEST(found);
      other += values != stored ? 1 : 0;
    }
  }
  BOOST_TEST(other > 60);
  BOOST_TEST(mirrored > 10);
  BOOST_TEST(moved > 40);
  // A resumed training sees what the uninterrupted one would have.
  Batches resumed = batches_of(source, true);
  resumed.seek(5);
  again.seek(5);
  BOOST_TEST(row_of(resumed.next(), 3) == row_of(again.next(), 3));
}

BOOST_AUTO_TEST_CASE(what_is_evaluated_is_not) {
  const auto source = sprites({{"flip", "horizontal"}, {"shift", 2}}), plain = sprites({});
  Batches batches = batches_of(source, false);
  const Batches::View batch = batches.next();
  for (std::int64_t n = 0; n < batch.samples; ++n) BOOST_TEST(row_of(batch, n) == Item(*plain, n).floats());
  BOOST_TEST(source->is_dynamic());
  BOOST_TEST(!plain->is_dynamic());
}

BOOST_AUTO_TEST_CASE(only_pictures) {
  check_error(ErrorCode::data_specification, {"flip", "x of [16]"}, [] {
    open_data("gaussian", {{"flip", "horizontal"}, {"features", 16}});
  });
  check_error(ErrorCode::data_specification, {"shift"}, [] { open_data("sprites", {{"size", 8}, {"shift", 8}}); });
}

BOOST_AUTO_TEST_SUITE_END()
