// Tables as text: fields by RFC 4180, types of columns, missing values, classes, splits, and errors.
#include <cmath>
#include <set>

#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// A data set itself: what it gives before the host replaces missing values.
std::unique_ptr<Dataset> table(const std::string& file, OptionList more = {}) {
  std::map<std::string, OptionValue> options = {{"path", file}, {"split", "all"}};
  for (const auto& [name, value] : more) options[name] = value;
  return open_dataset(standard_registry(), "table", options);
}

std::vector<OptionValue> list(std::initializer_list<const char*> items) { return {items.begin(), items.end()}; }

struct Row {
  std::vector<Tensor> columns;
  Row(const Dataset& data, std::int64_t index) {
    std::vector<TensorView> views;
    for (const Column& column : data.columns()) views.push_back(columns.emplace_back(column.dtype, column.event));
    data.read(index, views);
  }
};

std::size_t place_of(const Dataset& data, const std::string& column) {
  const auto columns = data.columns();
  const auto found = std::ranges::find(columns, column, &Column::name);
  BOOST_REQUIRE(found != columns.end());
  return static_cast<std::size_t>(found - columns.begin());
}
Column column(const Dataset& data, const std::string& name) { return data.columns()[place_of(data, name)]; }
std::vector<float> floats(const Dataset& data, std::int64_t row, const std::string& name) {
  const Row item(data, row);
  const auto values = item.columns[place_of(data, name)].values();
  return {values.begin(), values.end()};
}
std::int32_t code(const Dataset& data, std::int64_t row, const std::string& name) {
  const Row item(data, row);
  return item.columns[place_of(data, name)].values<std::int32_t>()[0];
}
std::vector<std::string> names(const Dataset& data) {
  std::vector<std::string> names;
  for (const Column& one : data.columns()) names.push_back(one.name);
  return names;
}
using Names = std::vector<std::string>;
using Floats = std::vector<float>;

const std::string kPeople =
    "age,height [mm],colour,kind\n"
    "30,1700,red,b\n"
    "40,1800,blue,a\n"
    "50,1650.5,red,b\n"
    "20,1550,green,a\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(table_data)

BOOST_AUTO_TEST_CASE(columns_have_names_types_and_units) {
  const ScratchFolder folder;
  const std::string file = folder.file("people.csv");
  write_bytes(file, kPeople);
  const auto data = table(file, {{"label", "kind"}});
  BOOST_TEST(data->size() == 4);
  BOOST_TEST(names(*data) == (Names{"x", "label", "age", "height [mm]", "colour"}), boost::test_tools::per_element());
  const Column x = column(*data, "x");
  BOOST_TEST((x.event == Shape{2}));
  BOOST_TEST((x.features == Names{"age", "height [mm]"}));
  BOOST_TEST((floats(*data, 2, "x") == Floats{50, 1650.5F}));
  BOOST_TEST((floats(*data, 1, "height [mm]") == Floats{1800}));
  BOOST_TEST(column(*data, "height [mm]").unit == "mm");
  const Column colour = column(*data, "colour"), label = column(*data, "label");
  BOOST_TEST((colour.dtype == DType::i32 && colour.event.rank() == 0 && colour.role == ColumnRole::data));
  BOOST_TEST((colour.classes == Names{"blue", "green", "red"}));
  BOOST_TEST((label.role == ColumnRole::label && label.classes == Names{"a", "b"}));
  BOOST_TEST(code(*data, 0, "colour") == 2);
  BOOST_TEST(code(*data, 0, "label") == 1);
  BOOST_TEST(data->origin(2).file == file);
  BOOST_TEST(data->origin(2).position == 3);
  BOOST_TEST(data->notices().front() ==
             "age, height [mm]: numbers; colour: 3 classes (blue, green, red); kind, the label: 2 classes (a, b)");
}

// The same two rows, written in every form that RFC 4180 and its relatives allow.
BOOST_AUTO_TEST_CASE(forms_of_the_file) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  const std::vector<std::string> forms = {
      "a,b,name\n1,2.5,u\n-3,4e1,v\n",
      "a,b,name\r\n1,2.5,u\r\n-3,4e1,v\r\n",
      "a,b,name\r1,2.5,u\r-3,4e1,v\r",
      "\xEF\xBB\xBF"
      "a,b,name\n1,2.5,u\n-3,4e1,v",
      "\"a\",\"b\",\"name\"\n\"1\",\"2.5\",\"u\"\n\"-3\",\"4e1\",\"v\"\n",
      "a;b;name\n1;2.5;u\n-3;4e1;v\n",
      "a\tb\tname\n1\t2.5\tu\n-3\t4e1\tv\n",
      "a|b|name\n1|2.5|u\n-3|4e1|v\n",
      "a, b, name\n+1, 2.5 , u\n -3,4e1, v\n",
      "a,b,name\n1,2.5,u\n-3,4e1,v\n\n\n",
  };
  for (const std::string& form : forms) {
    write_bytes(file, form);
    const auto data = table(file);
    BOOST_TEST(data->size() == 2, form);
    BOOST_TEST((column(*data, "x").features == Names{"a", "b"}), form);
    BOOST_TEST((floats(*data, 0, "x") == Floats{1, 2.5F} && floats(*data, 1, "x") == Floats{-3, 40}), form);
    BOOST_TEST((column(*data, "name").classes == Names{"u", "v"}), form);
  }
}

BOOST_AUTO_TEST_CASE(quoted_fields_have_delimiters_quotes_and_ends_of_lines) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "\"a, b\",t\n1,\"x, \"\"y\"\"\nz\"\n2,\" blank \"\n3,\"x, \"\"y\"\"\nz\"\n");
  const auto data = table(file);
  BOOST_TEST(data->size() == 3);
  BOOST_TEST((column(*data, "x").features == Names{"a, b"}));
  BOOST_TEST((column(*data, "t").classes == Names{" blank ", "x, \"y\"\nz"}));
  BOOST_TEST((code(*data, 0, "t") == 1 && code(*data, 1, "t") == 0 && code(*data, 2, "t") == 1));
  BOOST_TEST((floats(*data, 2, "x") == Floats{3}));
}

BOOST_AUTO_TEST_CASE(columns_groups_and_one_hot) {
  const ScratchFolder folder;
  const std::string file = folder.file("people.csv");
  write_bytes(file, kPeople);
  const auto ordered = table(file, {{"columns", list({"height [mm]", "age"})}});
  BOOST_TEST((column(*ordered, "x").features == Names{"height [mm]", "age"}));
  BOOST_TEST((floats(*ordered, 0, "x") == Floats{1700, 30}));
  BOOST_TEST((column(*table(file, {{"columns", "age"}}), "x").features == Names{"age"}));
  BOOST_TEST((column(*table(file, {{"columns", "height [mm],age"}}), "x").features == Names{"height [mm]", "age"}));
  BOOST_TEST(names(*table(file, {{"exclude", "colour,age"}})) == (Names{"x", "height [mm]", "kind"}),
             boost::test_tools::per_element());

  const auto hot =
      table(file, {{"one_hot", true}, {"exclude", "kind"}, {"groups", "size,height [mm];look,colour,age"}});
  BOOST_TEST(names(*hot) == (Names{"x", "size", "look", "age", "height [mm]", "colour"}),
             boost::test_tools::per_element());
  BOOST_TEST((column(*hot, "x").features == Names{"age", "height [mm]", "colour=blue", "colour=green", "colour=red"}));
  BOOST_TEST((floats(*hot, 3, "x") == Floats{20, 1550, 0, 1, 0}));
  BOOST_TEST((floats(*hot, 0, "look") == Floats{0, 0, 1, 30}));
  BOOST_TEST((floats(*hot, 1, "size") == Floats{1800}));
  const auto listed = table(file, {{"groups", list({"size,height [mm]"})}});
  BOOST_TEST((floats(*listed, 1, "size") == Floats{1800}));
}

BOOST_AUTO_TEST_CASE(numbers_and_the_column_label_as_classes) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "label,year,value\n10,2003,1\n9,1999,2\n10,2001,3\n");
  const auto data = table(file, {{"categorical", "year"}});
  BOOST_TEST((column(*data, "label").classes == Names{"9", "10"}));  // by size
  BOOST_TEST(code(*data, 0, "label") == 1);
  BOOST_TEST((column(*data, "year").classes == Names{"1999", "2001", "2003"}));
  BOOST_TEST(code(*data, 2, "year") == 1);
  BOOST_TEST((column(*data, "x").features == Names{"value"}));
  // A label that is measured stays a number.
  write_bytes(file, "label,value\n1.5,1\n2.5,2\n");
  BOOST_TEST((column(*table(file), "x").features == Names{"label", "value"}));
}

BOOST_AUTO_TEST_CASE(texts_that_are_not_classes_are_left_out) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  std::string text = "name,mixed,a,empty\n";
  for (int i = 0; i < 12; ++i)
    text += fmt::format("person {},{},{},\n", i, i % 2 == 0 ? "1" : i % 3 == 0 ? "yes" : "no", i);
  write_bytes(file, text);
  const auto data = table(file);
  BOOST_TEST(names(*data) == (Names{"x", "mixed", "a"}), boost::test_tools::per_element());
  BOOST_TEST((column(*data, "mixed").classes == Names{"1", "no", "yes"}));  // as many numbers as texts
  const std::string notice = data->notices().front();
  for (const char* part : {"name: 12 different texts, left out", "empty: no values, left out"})
    BOOST_TEST(notice.find(part) != std::string::npos, notice);
  BOOST_TEST(column(*table(file, {{"categorical", "name"}}), "name").classes.size() == 12);
}

BOOST_AUTO_TEST_CASE(missing_values) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "a,b,colour\n1,2,red\n,4,?\nNA,6,blue\n5,8,-9\n");
  check_error(ErrorCode::data_wrong_format,
              {"t.csv:3:1", "the column 'a' has 2 of 4 values missing: rows 2 and 3", "t.csv:3:4", "'colour'", "row 2",
               "missing says what to do"},
              [&] { table(file); });
  const auto data = table(file, {{"missing", "mask"}, {"missing_words", list({"NA", "?", "-9"})}});
  BOOST_TEST((column(*data, "colour").classes == Names{"blue", "red"}));
  BOOST_TEST(std::isnan(floats(*data, 1, "x")[0]));
  BOOST_TEST(std::isnan(floats(*data, 2, "a")[0]));
  BOOST_TEST(floats(*data, 1, "x")[1] == 4);
  BOOST_TEST((code(*data, 0, "colour") == 1 && code(*data, 1, "colour") == -1 && code(*data, 3, "colour") == -1));
  BOOST_TEST(data->notices().back() == "missing values: 2 of a, 2 of colour");
  const auto hot = table(file, {{"missing", "mask"}, {"one_hot", true}, {"missing_words", "NA,?,-9"}});
  const Floats second = floats(*hot, 1, "x");
  BOOST_TEST((std::isnan(second[2]) && std::isnan(second[3])));
  BOOST_TEST((floats(*hot, 0, "x") == Floats{1, 2, 0, 1}));
  // What no option names need not be complete where the columns of x are named.
  BOOST_TEST(names(*table(file, {{"columns", "b"}})) == (Names{"x", "b"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(another_file_is_read_through_the_settled_options) {
  const ScratchFolder folder;
  const std::string file = folder.file("train.csv"), other = folder.file("other.csv");
  write_bytes(file, "a,b,colour,label\n1,2,red,u\n3,4,blue,v\n5,6,\"green, dark\",u\n");
  const auto settled = table(file)->settled_options();
  write_bytes(other, "more,label,colour,b,a\n7,v,blue,20,10\n8,v,blue,40,30\n");
  OptionList options(settled.begin(), settled.end());
  const auto data = table(other, options);
  BOOST_TEST((column(*data, "x").features == Names{"a", "b"}));
  BOOST_TEST((floats(*data, 1, "x") == Floats{30, 40}));
  BOOST_TEST((column(*data, "colour").classes == Names{"blue", "green, dark", "red"}));
  BOOST_TEST((column(*data, "label").classes == Names{"u", "v"}));
  BOOST_TEST((code(*data, 0, "label") == 1 && code(*data, 0, "colour") == 0));
  write_bytes(other, "label,colour,b,a\nv,blue,20,10\nw,rot,40,30\n");
  // Other classes have the numbers after those of the run, which refuses them where a graph reads the column.
  const auto grown = table(other, options);
  BOOST_TEST((column(*grown, "label").classes == Names{"u", "v", "w"} && code(*grown, 1, "label") == 2));
  BOOST_TEST((column(*grown, "colour").classes == Names{"blue", "green, dark", "red", "rot"}));
  // Columns beside x may be missing, or incomplete.
  write_bytes(other, "b,a,colour\n20,10,\n40,30,red\n");
  const auto fewer = table(other, options);
  BOOST_TEST(fewer->columns().size() == 3U);  // x, b and a
  BOOST_TEST(mentions(fewer->notices(), "colour: 1 of its values are missing"));
  write_bytes(other, "label,colour,b\nv,blue,20\n");
  check_error(ErrorCode::data_not_found, {"no column 'a'", "columns"}, [&] { table(other, options); });
  write_bytes(other, "b,a\n20,\n40,30\n");
  check_error(ErrorCode::data_wrong_format, {"'a' has 1 of 2 values missing"}, [&] { table(other, options); });
}

BOOST_AUTO_TEST_CASE(splits_and_a_file_for_test) {
  const ScratchFolder folder;
  const std::string file = folder.file("train.csv"), test = folder.file("test.csv");
  std::string text = "a,colour\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i, i % 2 == 0 ? "red" : "blue");
  write_bytes(file, text);
  std::set<std::int64_t> rows;
  for (const char* split : {"train", "test"}) {
    const auto data = table(file, {{"split", split}, {"holdout", 4}});
    BOOST_TEST(data->size() == (std::string(split) == "train" ? 30 : 10));
    for (std::int64_t i = 0; i < data->size(); ++i) {
      BOOST_TEST(floats(*data, i, "a")[0] == static_cast<float>(data->origin(i).position - 1));
      rows.insert(data->origin(i).position);
    }
  }
  BOOST_TEST((rows.size() == 40 && *rows.begin() == 1 && *rows.rbegin() == 40));

  write_bytes(test, "colour,a\nred,7\n");
  const auto train = table(file, {{"test", test}, {"split", "train"}});
  const auto held_out = table(file, {{"test", test}, {"split", "test"}});
  BOOST_TEST((train->size() == 40 && held_out->size() == 1));
  BOOST_TEST((code(*held_out, 0, "colour") == 1 && floats(*held_out, 0, "a")[0] == 7));
  BOOST_TEST(held_out->origin(0).file == test);
  BOOST_TEST(train->hash() != held_out->hash());
  write_bytes(test, "colour,a\npink,7\n");
  check_error(ErrorCode::data_wrong_format, {"test.csv:2:1", "'pink'", "one of blue, red"}, [&] {
    table(file, {{"test", test}, {"split", "test"}});
  });
}

BOOST_AUTO_TEST_CASE(header_or_none) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "1,2\n3,4\n");
  const auto data = table(file);
  BOOST_TEST(data->size() == 2);
  BOOST_TEST((column(*data, "x").features == Names{"1", "2"}));
  BOOST_TEST(data->notices().back().find("the first row has numbers alone") != std::string::npos);
  BOOST_TEST(table(file, {{"header", true}})->size() == 1);
  write_bytes(file, "a,2\nb,4\n");
  BOOST_TEST(table(file, {{"header", false}})->size() == 2);
}

BOOST_AUTO_TEST_CASE(every_wrong_column_is_named_once) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  const auto error = [&](const std::string& text, const std::vector<std::string>& parts, OptionList options = {}) {
    write_bytes(file, text);
    check_error(ErrorCode::data_wrong_format, parts, [&] { table(file, options); });
  };
  error("a,b,c\n1,2,3\n1,two,3\n6,7,8\n9,1,inf\n9,x,5\n4,4,5\n",
        {"t.csv:3:3", "'b' has 2 texts among its 4 numbers", "rows 2 and 5", "'two'", "categorical=b", "t.csv:5:5",
         "'inf'"});
  error("a;b\n1,5;2\n2,5;3\n", {"t.csv:2:1", "'1,5'", "decimal point"});
  error("a,b\n1,2\n1,2,3\n4\n5,6\n", {"t.csv:3:1", "row 2", "3 fields", "t.csv:4:1", "1 field"});
  error("a,b\n1,2\n3,4\"5\n6,7\n8\"9,1\n", {"t.csv:3:4", "row 2", "t.csv:5:2", "row 4"});
  error("a,b\n1,2\n3,\"4\n5,6\n", {"t.csv:3:3", "a quote is not closed"});
  error("a,b,a\n1,2,3\n", {"t.csv:1:5", "two columns have the name 'a'", "columns 1 and 3"});
  error("a,\xE4\n1,2\n", {"t.csv:1:3", "UTF-8", "iconv"});
  error("a,b\n1,u\n1,\xE4\n", {"t.csv:3:3", "row 2", "UTF-8"});
  error("a,colour\n1,red\n2,red\n", {"t.csv:1:3", "'colour' cannot be part of x", "one_hot"}, {{"columns", "colour"}});
}

BOOST_AUTO_TEST_CASE(wrong_files_and_options) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "");
  check_error(ErrorCode::data_empty, {"t.csv"}, [&] { table(file); });
  write_bytes(file, "a,b\n\n");
  check_error(ErrorCode::data_empty, {"no rows", "a header alone"}, [&] { table(file); });
  write_bytes(file,
              "\xFF\xFE"
              "a\0,\0");
  check_error(ErrorCode::data_wrong_format, {"UTF-16", "iconv"}, [&] { table(file); });
  write_gzip(file, "a,b\n1,2\n");
  check_error(ErrorCode::data_wrong_format, {"a gzip file", "gunzip"}, [&] { table(file); });
  write_bytes(file, "height,weight\n1,2\n");
  check_error(ErrorCode::data_not_found, {"no column 'wieght'", "height, weight", "did you mean 'weight'", "'heigth'"},
              [&] {
                table(file, {{"columns", "wieght"}, {"exclude", "heigth"}});
              });
  check_error(ErrorCode::data_specification, {"'height' is in columns and in label"}, [&] {
    table(file, {{"columns", "height"}, {"label", "height"}});
  });
  check_error(ErrorCode::data_specification, {"the group 'x'"}, [&] { table(file, {{"groups", "x,weight"}}); });
  check_error(ErrorCode::data_specification, {"name,item,item"}, [&] { table(file, {{"groups", "pair"}}); });
  check_error(ErrorCode::data_not_found, {"nowhere.csv"}, [&] { table(folder.file("nowhere.csv")); });
}

BOOST_AUTO_TEST_CASE(large_integers_are_announced) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  write_bytes(file, "id,a\n16777217,1\n5,2\n");
  BOOST_TEST(table(file)->notices().back().find("id (row 1)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
