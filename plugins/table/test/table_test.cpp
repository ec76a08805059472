// The table reader: values, moments, labels, splits, and the positions of errors.
#define BOOST_TEST_MODULE table
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include <loom/dataset.h>

#include "../split.h"

using namespace loom;
using OptionList = std::vector<std::pair<std::string, OptionValue>>;
using Data = std::unique_ptr<const Dataset>;

namespace {

const Registry& registry() {
  static const auto loaded = [] {
    auto types = std::make_unique<Registry>();
    load_plugin(*types, PLUGIN_FILE);
    return types;
  }();
  return *loaded;
}

// A separate file for each test, removed after it.
class TextFile {
 public:
  explicit TextFile(const std::string& text) : path_("table_test_" + std::to_string(count_++) + ".csv") { write(text); }
  ~TextFile() { std::filesystem::remove(path_); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  Data open(const OptionList& options = {}) const {
    std::map<std::string, OptionValue> all = {{"path", path_}};
    for (const auto& [name, value] : options) all[name] = value;
    return open_dataset(registry(), "table", all);
  }
  // Raw values of all rows, in their order.
  Data plain(OptionList options = {}) const {
    options.insert(options.end(), {{"standardize", false}, {"split", "all"}});
    return open(options);
  }
  std::string error(const OptionList& options = {}) const {
    try {
      open(options);
    } catch (const Error& problem) {
      return problem.what();
    }
    return "no error";
  }

 private:
  static inline int count_ = 0;
  std::string path_;
};

std::vector<float> row(const Data& data, std::int64_t index, std::int32_t* label = nullptr) {
  std::vector<Tensor> columns;
  std::vector<TensorView> views;
  for (const Column& column : data->columns()) {
    columns.emplace_back(column.dtype, column.event);
    views.push_back(columns.back());
  }
  data->read(index, views);
  if (label != nullptr) *label = columns.at(1).values<std::int32_t>()[0];
  return {columns[0].values().begin(), columns[0].values().end()};
}

void expect_error(const std::string& error, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    BOOST_TEST(error.find(part) != std::string::npos, "'" << part << "': " << error);
}

using Row = std::vector<float>;

}  // namespace

BOOST_AUTO_TEST_CASE(values) {
  const TextFile file("a,b,c\n1,2.5,-3e2\n+4, 5 ,6\n");
  const Data data = file.plain();
  BOOST_TEST(data->size() == 2);
  BOOST_TEST((row(data, 0) == Row{1, 2.5F, -300}));
  BOOST_TEST((row(data, 1) == Row{4, 5, 6}));
  BOOST_TEST((row(file.plain({{"columns", std::vector<OptionValue>{"c", "a"}}}), 1) == Row{6, 4}));
  BOOST_TEST((row(file.plain({{"columns", "b"}}), 0) == Row{2.5F}));
}

BOOST_AUTO_TEST_CASE(forms_of_files) {
  const auto read = [](const std::string& text, const OptionList& options = {}) {
    const TextFile file(text);
    return row(file.plain(options), 1);
  };
  BOOST_TEST((read("\xEF\xBB\xBFx;y\r\n1;2\r\n3;4\r\n\r\n") == Row{3, 4}));     // byte order mark, CRLF, semicolons
  BOOST_TEST((read("x\ty\n1\t2\n3\t4") == Row{3, 4}));                          // no newline at the end
  BOOST_TEST((read("\"x, the first\",y\n\"1\",2\n\" 3 \",4\n") == Row{3, 4}));  // quotes
  BOOST_TEST((read("1,2\n3,4\n", {{"header", false}}) == Row{3, 4}));
  BOOST_TEST((read("x|y,z\n1|2\n3|4\n", {{"delimiter", "pipe"}}) == Row{3, 4}));
  BOOST_TEST((read("note,y,z\n\"a \"\"b\"\", c\",2,3\nd,4,5\n", {{"columns", std::vector<OptionValue>{"z", "y"}}}) ==
              Row{5, 4}));
}

BOOST_AUTO_TEST_CASE(standardised_by_train_alone) {
  std::string text = "a,b\n";
  for (int i = 0; i < 200; ++i) text += std::to_string(i * i) + ",7\n";
  const TextFile file(text);
  const Data train = file.open(), test = file.open({{"split", "test"}}), raw = file.plain();
  BOOST_TEST(train->size() == 180);
  BOOST_TEST(test->size() == 20);
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < train->size(); ++i) {
    const Row values = row(train, i);
    sum += static_cast<double>(values[0]);
    squares += std::pow(static_cast<double>(values[0]), 2);
    BOOST_TEST(values[1] == 0);  // a constant column has no deviation to divide by
  }
  BOOST_TEST(std::abs(sum / 180) < 1e-5);
  BOOST_TEST(std::abs(squares / 180 - 1) < 1e-5);
  // The test rows have the same shift and factor: two rows determine both, and a third one agrees.
  const table::Split rows("test", 200, 10);
  const auto raw_value = [&](std::int64_t i) { return static_cast<double>(row(raw, rows.item(i))[0]); };
  const double factor = (row(test, 9)[0] - row(test, 0)[0]) / (raw_value(9) - raw_value(0));
  BOOST_TEST(std::abs(row(test, 0)[0] + factor * (raw_value(5) - raw_value(0)) - row(test, 5)[0]) < 1e-5);
}

BOOST_AUTO_TEST_CASE(splits_share_no_row) {
  for (const auto& [total, holdout] : {std::pair{200, 10}, {7, 2}, {23, 5}, {3, 10}}) {
    const table::Split train("train", total, holdout), test("test", total, holdout);
    std::set<std::int64_t> rows;
    for (const table::Split& split : {train, test})
      for (std::int64_t i = 0; i < split.size(); ++i) {
        rows.insert(split.item(i));
        BOOST_TEST(split.holds(split.item(i)));
      }
    BOOST_TEST(rows.size() == static_cast<std::size_t>(total));
    BOOST_TEST(*rows.begin() == 0);
    BOOST_TEST(*rows.rbegin() == total - 1);
  }
}

BOOST_AUTO_TEST_CASE(labels) {
  const TextFile file("kind,x,year\nred,1,2001\nblue,2,1999\nred,3,2003\n");
  std::int32_t label = -1;
  const Data kinds = file.plain({{"label", "kind"}});
  BOOST_TEST((row(kinds, 0, &label) == Row{1, 2001}));
  BOOST_TEST(label == 1);  // blue, red
  row(kinds, 1, &label);
  BOOST_TEST(label == 0);
  BOOST_TEST((row(file.plain({{"label", "year"}, {"columns", "x"}}), 2, &label) == Row{3}));
  BOOST_TEST(label == 2003);
}

BOOST_AUTO_TEST_CASE(missing_values) {
  const TextFile file("a,b\n1,2\n,4\n3,6\n");
  expect_error(file.error(), {"E405", ".csv:3:1", "'a' is empty", "missing: mean"});
  BOOST_TEST((row(file.plain({{"missing", "mean"}}), 1) == Row{2, 4}));
}

BOOST_AUTO_TEST_CASE(every_problem_has_its_place) {
  const TextFile file("a,b,c\n1,2,3\n1,two,3\n4,5\n6,7,8\n9,1e999, nan\n");
  expect_error(file.error(), {"E405", ".csv:4:1", "2 fields", "3 fields"});
  file.write("a,b,c\n1,2,3\n1,two,3\n6,7,\"8,5\"\n9,1e999, nan\n");
  expect_error(file.error(),
               {".csv:3:3", "'two'", "'b'", ".csv:4:6", "decimal point", ".csv:5:3", ".csv:5:10", "'nan'"});
  BOOST_TEST(file.plain({{"columns", "a"}})->size() == 4);  // columns that are not read can contain anything
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  TextFile file("");
  expect_error(file.error(), {"E404"});
  file.write("a,b\n");
  expect_error(file.error(), {"E404", ".csv:2:1", "a header alone"});
  file.write("a,b\n\n\n");
  expect_error(file.error(), {"E404"});
  file.write("a,b\n1,2\n\n3,4\n");
  expect_error(file.error(), {"E405", ".csv:3:1", "an empty line"});
  file.write("a,a\n1,2\n");
  expect_error(file.error(), {".csv:1:3", "columns 1 and 2"});
  file.write("a,b\n\"1,2\n");
  expect_error(file.error(), {".csv:2:1", "a quote does not end"});
  file.write("height,weight\n1,2\n");
  expect_error(file.error({{"columns", "wieght"}}), {"E401", "'wieght'", "height, weight", "did you mean"});
  expect_error(file.error({{"label", "height"}, {"columns", "height"}}), {"requested twice"});
  expect_error(file.error({{"path", "nowhere.csv"}}), {"E401", "nowhere.csv"});
}

BOOST_AUTO_TEST_CASE(hash_tells_content_apart) {
  const TextFile file("a,b\n1,2\n3,4\n");
  const std::string hash = file.open()->hash();
  BOOST_TEST(hash == file.open()->hash());
  BOOST_TEST(hash != file.open({{"standardize", false}})->hash());
  file.write("a,b\n1,2\n3,5\n");
  BOOST_TEST(hash != file.open()->hash());
}
