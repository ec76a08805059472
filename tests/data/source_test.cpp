// What every data set gets from DataSource: checked options, binarization, normalization, a limit.
#include "data/source.h"

#include <cmath>

#include "io/npy.h"
#include "nodes/data/data_checks.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

std::string floats_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_source)

BOOST_AUTO_TEST_CASE(describes_the_data) {
  const DataSource source = open_data("sprites", {{"size", 16}, {"count", 100}, {"split", "train"}});
  BOOST_TEST(source.name() == "sprites");
  BOOST_TEST(source.split() == "train");
  BOOST_TEST(source.size() == 90);
  BOOST_TEST(source.columns().size() == 2);
  BOOST_TEST(source.hash().size() == 16);
  BOOST_TEST((source.factor_sizes() == std::vector<std::int64_t>{3, 6, 40, 32, 32}));
  BOOST_TEST(source.binarization() == "none");
}

BOOST_AUTO_TEST_CASE(an_unknown_type_is_named_with_its_place) {
  check_error(ErrorCode::data_specification, {"model.yaml:7:3", "'sprite'", "did you mean 'sprites'"},
              [] { open_data("sprite", {}); });
  check_error(ErrorCode::data_specification, {"the data has no type"}, [] { open_data("", {}); });
}

BOOST_AUTO_TEST_CASE(options_are_checked_together) {
  check_error(ErrorCode::unknown_option, {"model.yaml:8:5", "'binarise'", "binarize", "'counts'", "out of range"}, [] {
    open_data("sprites", {{"binarise", "fixed"}, {"counts", 3}, {"size", 1}});
  });
  check_error(ErrorCode::unknown_word, {"binarize"}, [] { open_data("sprites", {{"binarize", "sometimes"}}); });
  check_error(ErrorCode::data_specification, {"'normalize_mean' has 3 values", "1 channels", "model.yaml:8:5"}, [] {
    open_data("sprites", {{"normalize_mean", std::vector<OptionValue>{0.1, 0.2, 0.3}}});
  });
}

BOOST_AUTO_TEST_CASE(errors_of_files_get_the_place_in_the_document) {
  check_error(ErrorCode::data_not_found, {"model.yaml:7:3", "nowhere"}, [] {
    open_data("idx", {{"path", "nowhere"}});
  });
}

BOOST_AUTO_TEST_CASE(ranges_of_values) {
  const ValueRange unit{0, 1, "the input 'target' of 'losses/l' (bernoulli_nll)", {"model.yaml", 20, 3}};
  const Location where{"model.yaml", 11, 5};
  const auto require = [&](const OptionList& options, const ValueRange& range, const char* type = "sprites") {
    open_data(type, options).require_range(0, range, where);
  };
  require({{"size", 16}}, unit);
  require({{"size", 16}, {"binarize", "fixed"}}, unit);
  require({{"size", 16}, {"normalize_std", 2.0}}, unit);
  require({{"size", 16}, {"normalize_mean", 0.5}, {"normalize_std", 0.5}}, {-1, 1, "", {}});
  check_error(
      ErrorCode::out_of_range,
      {"model.yaml:11:5", "'x' of 'sprites'", "outside of [0, 1]", "-1 in item 0", "bernoulli_nll", "model.yaml:20:3"},
      [&] {
        require({{"size", 16}, {"normalize_mean", 0.5}, {"normalize_std", 0.5}}, unit);
      });

  // Without a declared range the values decide.
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy_header(DType::f32, {3, 2}) + floats_of({0, 1, 0.5F, 0.25F, 0.5F, 1.5F}));
  check_error(ErrorCode::out_of_range, {"1.5 in item 2"}, [&] {
    require({{"path", folder.file("x.npy")}, {"split", "all"}}, unit, "npy");
  });
  require({{"path", folder.file("x.npy")}, {"split", "all"}, {"scale", 0.5}}, unit, "npy");
  require({{"path", folder.file("x.npy")}, {"split", "all"}, {"limit", 2}}, unit, "npy");
}

BOOST_AUTO_TEST_CASE(ranges_pass_over_what_a_mask_leaves_out) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 14, 1, [](int, int) { return 0.5F; });
  const DataSource data = open_audio(folder.path(), 10, {{"tail", "pad"}});
  ValueRange range{0.2, 1, "a reader", {}};
  check_error(ErrorCode::out_of_range, {"0 in item 1"}, [&] { data.require_range(0, range, {}); });
  range.masked = true;
  data.require_range(0, range, {});
  range.minimum = 0.6;
  range.remedy = "speak louder";
  check_error(ErrorCode::out_of_range, {"in item 0", "speak louder"}, [&] { data.require_range(0, range, {}); });
}

BOOST_AUTO_TEST_CASE(limit) {
  BOOST_TEST(open_data("gaussian", {{"limit", 7}}).size() == 7);
  BOOST_TEST(open_data("gaussian", {{"count", 20}, {"limit", 700}}).size() == 18);
  check_error(ErrorCode::data_empty, {"test"}, [] { open_data("gaussian", {{"count", 1}, {"split", "test"}}); });
}

BOOST_AUTO_TEST_CASE(binarization_has_the_pixels_as_mean) {
  const OptionList options = {{"size", 16}, {"count", 50}};
  const auto with = [&](const char* kind, int seed) {
    OptionList all = options;
    all.emplace_back("binarize", kind);
    all.emplace_back("normalize_mean", 0.0);
    all.emplace_back("seed", seed);
    return open_data("sprites", all);
  };
  const DataSource fixed = with("fixed", 1), dynamic = with("dynamic", 1);
  BOOST_TEST(fixed.binarization() == "fixed (seed 1)");
  BOOST_TEST(Item(fixed, 3, 0).floats() == Item(fixed, 3, 9).floats());
  BOOST_TEST(Item(dynamic, 3, 9).floats() == Item(dynamic, 3, 9).floats());
  BOOST_TEST(Item(fixed, 3, 0).floats() == Item(dynamic, 3, 0).floats());

  const std::vector<float> pixels = Item(open_data("sprites", options), 3).floats();
  std::vector<double> mean(pixels.size());
  constexpr int draws = 2000;
  for (int draw = 0; draw < draws; ++draw) {
    const std::vector<float> values = Item(dynamic, 3, static_cast<std::uint32_t>(draw)).floats();
    for (std::size_t i = 0; i < values.size(); ++i) {
      BOOST_REQUIRE(values[i] == 0 || values[i] == 1);
      mean[i] += values[i] / draws;
    }
  }
  std::size_t between = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    BOOST_TEST(std::abs(mean[i] - pixels[i]) < 0.06);  // five standard deviations
    between += pixels[i] > 0 && pixels[i] < 1 ? 1 : 0;
  }
  BOOST_TEST(between > 0U);
}

BOOST_AUTO_TEST_CASE(normalization) {
  const std::vector<float> plain = Item(open_data("sprites", {{"size", 16}}), 5).floats();
  const std::vector<float> normalized =
      Item(open_data("sprites",
                     {{"size", 16}, {"normalize_mean", 0.5}, {"normalize_std", std::vector<OptionValue>{0.25}}}),
           5)
          .floats();
  for (std::size_t i = 0; i < plain.size(); ++i) BOOST_TEST(normalized[i] == (plain[i] - 0.5F) * 4);
}

BOOST_AUTO_TEST_CASE(with_split_changes_nothing_else) {
  const DataEntry entry = data_entry("gaussian", {{"count", 50}, {"split", "train"}});
  const DataSource test(standard_registry(), with_split(entry, "test"));
  BOOST_TEST(test.split() == "test");
  BOOST_TEST(test.size() == 5);
  BOOST_TEST(DataSource(standard_registry(), entry).size() == 45);
}

BOOST_AUTO_TEST_SUITE_END()
