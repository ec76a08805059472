// What a run remembers of its data: other data are read as the run's were.
#include "data/card.h"

#include <cmath>
#include <limits>

#include "data/preparation.h"
#include "io/npy.h"
#include "nodes/data/data_checks.h"
#include "train/data_card_json.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// An array [rows, 2]: column 0 is 10 + row, column 1 is 2 * row.
struct Rows : ScratchFolder {
  std::string ramp(const std::string& name, int rows, int first = 0) const {
    std::vector<float> values;
    for (int i = first; i < first + rows; ++i) {
      values.push_back(10 + static_cast<float>(i));
      values.push_back(2 * static_cast<float>(i));
    }
    return array(name, values);
  }
  std::string array(const std::string& name, std::vector<float> values) const {
    write_npy(file(name), TensorView(DType::f32, {static_cast<std::int64_t>(values.size()) / 2, 2}, values.data()));
    return file(name);
  }
};

DataSource with(const DataCard& card, const std::string& type, const OptionList& options) {
  return {standard_registry(), with_card(standard_registry(), data_entry(type, options), card), &card};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(data_card, Rows)

BOOST_AUTO_TEST_CASE(normalised_by_the_training_split) {
  const std::string path = ramp("x.npy", 40);
  const OptionList options = {{"path", path}, {"normalize", "dataset"}};
  const DataSource train = open_data("npy", options);
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const double value = static_cast<double>(Item(train, i).floats()[1]);
    sum += value;
    squares += value * value;
  }
  BOOST_TEST(std::abs(sum / static_cast<double>(train.size())) < 1e-6);
  BOOST_TEST(std::abs(squares / static_cast<double>(train.size()) - 1) < 1e-5);

  // The held-out split has the numbers of the training split, with a card and without one.
  OptionList held = options;
  held.emplace_back("split", "test");
  const DataCard card = train.card();
  const DataSource alone = open_data("npy", held), run = with(card, "npy", held);
  BOOST_TEST(Item(alone, 0).floats() == Item(run, 0).floats());
  const ColumnCard* x = card.find("x");
  BOOST_REQUIRE(x != nullptr);
  const std::int64_t row = static_cast<std::int64_t>(run.origin(0).position);
  const float stored = 10 + static_cast<float>(row);
  BOOST_TEST(std::abs(static_cast<double>(Item(run, 0).floats()[0]) -
                      (static_cast<double>(stored) - x->mean[0]) / x->deviation[0]) < 1e-5);

  // And back.
  Tensor item(DType::f32, {1, 2});
  std::ranges::copy(Item(run, 0).floats(), item.values().begin());
  restore_units(*x, item);
  BOOST_TEST(std::abs(item.values()[0] - stored) < 1e-4F);
  apply_units(*x, item);
  BOOST_TEST(std::abs(item.values()[0] - Item(run, 0).floats()[0]) < 1e-5F);
}

BOOST_AUTO_TEST_CASE(other_data_are_read_as_the_runs) {
  const DataSource train = open_data("npy", {{"path", ramp("x.npy", 40)}, {"normalize", "dataset"}, {"scale", 0.5}});
  const DataCard card = train.card();
  const DataSource other = with(card, "npy", {{"path", ramp("y.npy", 3, 7)}, {"split", "all"}});
  const ColumnCard* x = card.find("x");
  BOOST_TEST(std::abs(static_cast<double>(Item(other, 1).floats()[0]) - (0.5 * 18 - x->mean[0]) / x->deviation[0]) <
             1e-5);
  // What is given replaces what the card says.
  const DataSource own = with(card, "npy", {{"path", file("y.npy")}, {"split", "all"}, {"normalize", "none"}});
  BOOST_TEST(Item(own, 1).floats()[0] == 9);
  const DataSource half = with(card, "npy", {{"path", file("y.npy")}, {"split", "all"}, {"normalize_mean", 1.0}});
  BOOST_TEST(Item(half, 1).floats()[0] == 8);
}

BOOST_AUTO_TEST_CASE(constant_features_stay_finite) {
  const DataSource source =
      open_data("npy", {{"path", array("c.npy", {3, 1, 3, 2, 3, 3})}, {"normalize", "dataset"}, {"split", "all"}});
  BOOST_TEST(Item(source, 0).floats()[0] == 0);
  check_error(ErrorCode::data_specification, {"normalize_mean"}, [&] {
    open_data("npy", {{"path", file("c.npy")}, {"normalize", "dataset"}, {"normalize_mean", 1.0}});
  });
  check_error(ErrorCode::data_specification, {"binarize"}, [&] {
    open_data("npy", {{"path", file("c.npy")}, {"normalize", "dataset"}, {"binarize", "fixed"}});
  });
}

BOOST_AUTO_TEST_CASE(features_in_another_order_are_refused) {
  const std::string one = file("hw.csv"), other = file("wh.csv");
  write_bytes(one, "h,w\n1,10\n2,20\n3,30\n");
  write_bytes(other, "w,h\n10,1\n20,2\n30,3\n");
  const DataSource run = open_data("table", {{"path", one}, {"split", "all"}});
  const DataCard card = run.card();
  // Other data are read by the names of their columns; the run's own file, written anew, is read as it stands.
  BOOST_TEST((Item(with(card, "table", {{"path", other}, {"split", "all"}}), 1).floats() == std::vector<float>{2, 20}));
  check_error(ErrorCode::data_shape, {"features of the column 'x'", "got:      w, h", "expected: h, w"}, [&] {
    DataSource(standard_registry(), data_entry("table", {{"path", other}, {"split", "all"}}), &card);
  });
}

BOOST_AUTO_TEST_CASE(unknown_classes_say_where_they_are) {
  const std::string one = file("one.csv"), other = file("other.csv");
  write_bytes(one, "h,city\n1,A\n2,B\n3,A\n");
  write_bytes(other, "h,city\n1,A\n2,C\n3,B\n4,D\n5,C\n");
  const DataCard card = open_data("table", {{"path", one}, {"split", "all"}}).card();
  const DataSource later = with(card, "table", {{"path", other}, {"split", "all"}});
  const auto city = std::ranges::find(later.columns(), "city", &Column::name) - later.columns().begin();
  check_error(ErrorCode::data_wrong_format,
              {"class 'C' of the column 'city'", "C in " + other + " at 2", "D in " + other + " at 4", "one of A, B"},
              [&] { later.require_known_classes(static_cast<std::size_t>(city)); });
  const std::vector<float> h = Item(later, 3).floats();  // what no graph reads is no error
  BOOST_TEST(h[0] == 4);
}

BOOST_AUTO_TEST_CASE(arrays_keep_their_unit_and_their_name) {
  const std::vector<unsigned char> bytes = {0, 51, 102, 255};
  const std::vector<std::int64_t> numbers(bytes.begin(), bytes.end());
  write_npy(file("u1.npy"), std::span<const std::int64_t>(numbers));
  std::string npy = read_bytes(file("u1.npy"));
  BOOST_REQUIRE(npy.find("<i8") != std::string::npos);
  const std::string values(bytes.begin(), bytes.end());
  npy.replace(npy.find("<i8"), 3, "|u1");
  write_bytes(file("bytes.npy"), npy.substr(0, npy.size() - 32) + values);
  const DataSource run = open_data("npy", {{"path", file("bytes.npy")}, {"split", "all"}});
  BOOST_TEST(std::abs(Item(run, 1).floats()[0] - 0.2F) < 1e-6F);
  const auto later = [&](const DataSource& of, const std::string& name, OptionList more = {}) {
    more.insert(more.end(), {{"path", file(name)}, {"split", "all"}});
    return Item(with(of.card(), "npy", more), 1).floats();
  };
  BOOST_TEST((later(run, "bytes.npy") == Item(run, 1).floats()));
  // Of numbers beside bytes nobody knows whether 51 or 0.2 is meant.
  check_error(ErrorCode::data_wrong_format, {"not stored as those of the run", "unsigned bytes", "scale=1"},
              [&] { later(run, "u1.npy"); });
  BOOST_TEST(std::abs(later(run, "u1.npy", {{"scale", 1.0 / 255}})[0] - 0.2F) < 1e-6F);
  const DataSource numbers_run = open_data("npy", {{"path", file("u1.npy")}, {"split", "all"}});
  check_error(ErrorCode::data_wrong_format, {"not stored as those of the run", "read as they are"},
              [&] { later(numbers_run, "bytes.npy"); });
  BOOST_TEST(later(numbers_run, "u1.npy")[0] == 51);
}

BOOST_AUTO_TEST_CASE(binarized_values_are_probabilities) {
  check_error(ErrorCode::out_of_range, {"outside of [0, 1]", "3 in item 1", "binarize"}, [&] {
    open_data("npy", {{"path", array("b.npy", {0, 1, 3, 1})}, {"binarize", "fixed"}, {"split", "all"}, {"holdout", 2}});
  });
  BOOST_TEST(
      open_data("npy", {{"path", array("b.npy", {0, 1, 0.5F, 1})}, {"binarize", "fixed"}, {"split", "all"}}).size() ==
      2);
}

BOOST_AUTO_TEST_CASE(a_column_with_the_name_of_the_mask) {
  write_bytes(file("m.csv"), "h,mask\n1,0\n,1\n3,2\n");
  check_error(ErrorCode::data_specification, {"a column 'mask'", "another of that name"}, [&] {
    open_data("table", {{"path", file("m.csv")}, {"missing", "mask"}, {"split", "all"}});
  });
  BOOST_TEST(open_data("table", {{"path", file("m.csv")}, {"missing", "mask"}, {"exclude", "mask"}, {"split", "all"}})
                 .columns()
                 .size() == 4U);  // x, h and their masks
}

BOOST_AUTO_TEST_CASE(a_missing_class_is_the_most_frequent_one) {
  write_bytes(file("c.csv"), "h,city\n1,A\n2,B\n3,\n4,B\n5,B\n6,B\n");
  for (const char* missing : {"value", "mean"}) {
    const DataSource data = open_data("table", {{"path", file("c.csv")}, {"missing", missing}, {"split", "all"}});
    const auto city = std::ranges::find(data.columns(), "city", &Column::name) - data.columns().begin();
    BOOST_TEST(Item(data, 2).integers(static_cast<std::size_t>(city))[0] == 1);
  }
}

BOOST_AUTO_TEST_CASE(missing_values) {
  const std::string path = array("m.npy", {1, 10, kMissing, 20, 3, kMissing, 8, 30});
  const auto open = [&](const OptionList& more) {
    OptionList options = {{"path", path}, {"split", "all"}};
    options.insert(options.end(), more.begin(), more.end());
    return open_data("npy", options);
  };
  check_error(ErrorCode::data_corrupt, {"nan of item 1, value 0", "nan of item 2, value 1", "missing"},
              [&] { open({}); });
  BOOST_TEST((Item(open({{"missing", "value"}, {"fill", -1.0}}), 2).floats() == std::vector<float>{3, -1}));
  const DataSource masked = open({{"missing", "mask"}});
  BOOST_REQUIRE(masked.columns().size() == 2U);
  BOOST_TEST(masked.columns()[1].name == "mask");
  BOOST_TEST((Item(masked, 1).floats(0) == std::vector<float>{0, 20}));
  BOOST_TEST((Item(masked, 1).floats(1) == std::vector<float>{0, 1}));
  BOOST_TEST((Item(masked, 3).floats(1) == std::vector<float>{1, 1}));
  // The mean and the deviation are those of what is there in train, and a missing value is the mean.
  const std::string many = array("n.npy", [] {
    std::vector<float> values;
    for (int i = 0; i < 30; ++i) values.insert(values.end(), {i % 3 == 0 ? kMissing : 5.0F, static_cast<float>(i)});
    return values;
  }());
  const DataSource normal =
      open_data("npy", {{"path", many}, {"missing", "mean"}, {"normalize", "dataset"}, {"split", "all"}});
  BOOST_TEST(normal.card().find("x")->mean[0] == 5);
  BOOST_TEST(normal.card().find("x")->fill[0] == 5);
  BOOST_TEST(Item(normal, 3).floats()[0] == 0);
  const DataSource plain = open_data("npy", {{"path", many}, {"missing", "mean"}, {"split", "all"}});
  BOOST_TEST((Item(plain, 3).floats() == std::vector<float>{5, 3}));
  // Infinity is no missing value.
  array("i.npy", {1, 10, std::numeric_limits<float>::infinity(), 20});
  check_error(ErrorCode::data_corrupt, {"inf of item 1"}, [&] {
    open_data("npy", {{"path", file("i.npy")}, {"missing", "mask"}});
  });
}

BOOST_AUTO_TEST_CASE(classes_have_the_numbers_of_the_run) {
  Column run{"animal", DType::i32, {}};
  run.classes = {"cat", "dog", "owl"};
  DataCard card;
  card.columns.push_back({run, {}, {}, {}});
  Column here = run;
  here.classes = {"dog", "owl"};
  Contract contract;
  const DataEntry entry = data_entry("images", {});
  Options options;
  options.set("seed", 1);
  options.set("binarize", "none");
  options.set("normalize", "none");
  options.set("flip", "none");
  options.set("shift", 0);
  const auto none = [](std::span<const std::size_t>) { return std::vector<ColumnStatistics>(); };
  const Preparation preparation({here}, options, entry, &card, none);
  Tensor value(DType::i32, {});
  value.values<std::int32_t>()[0] = 1;
  const std::vector<TensorView> out = {value.view()};
  preparation.apply(0, 0, out, false);
  BOOST_TEST(value.values<std::int32_t>()[0] == 2);
  BOOST_TEST(preparation.columns()[0].classes.size() == 3U);
  BOOST_TEST(preparation.unknown_classes(0).empty());
  here.classes = {"dog", "dot", "eel"};
  BOOST_TEST(Preparation({here}, options, entry, &card, none).columns()[0].classes.size() == 5U);
  check_error(ErrorCode::data_wrong_format, {"'dot'", "'eel'", "one of cat, dog, owl", "did you mean 'dog'"},
              [&] { throw Error(Preparation({here}, options, entry, &card, none).unknown_classes(0)); });
}

BOOST_AUTO_TEST_CASE(the_file_of_the_card) {
  DataCard card = open_data("npy", {{"path", ramp("x.npy", 40)}, {"normalize", "dataset"}}).card();
  card.hash = "0123";
  card.columns[0].column.features = {"a", "b"};
  card.columns[0].column.classes = {"n\xC3\xA4he", "\"quoted\""};
  card.columns[0].column.unit = "mm";
  const std::string text = to_json(card);
  const DataCard again = data_card_from_json(text, "data.json");
  BOOST_TEST(to_json(again) == text);
  BOOST_TEST(again.columns[0].mean == card.columns[0].mean);
  BOOST_TEST(again.options.contains("normalize"));
  BOOST_TEST(!again.options.contains("path"));
  check_error(ErrorCode::checkpoint_corrupt, {"data.json", "format"}, [] { data_card_from_json("{}", "data.json"); });
  check_error(ErrorCode::checkpoint_corrupt, {"shape"}, [&] {
    std::string broken = text;
    broken.replace(broken.find("\"shape\": ["), 10, "\"shape\": 3, \"other\": [");
    data_card_from_json(broken, "data.json");
  });
}

BOOST_AUTO_TEST_SUITE_END()
