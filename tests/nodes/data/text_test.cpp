// Text: tokens, pieces, vocabulary, labels, masks, splits, and wrong files.
#include <filesystem>
#include <set>

#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

std::unique_ptr<Dataset> text_data(const std::string& path, const OptionList& more = {}) {
  std::map<std::string, OptionValue> options = {{"path", path}, {"split", "all"}};
  for (const auto& [name, value] : more) options[name] = value;
  return open_dataset(standard_registry(), "text", options);
}

struct Piece {
  std::vector<Tensor> columns;
  Piece(const Dataset& data, std::int64_t index) {
    std::vector<TensorView> views;
    for (const Column& column : data.columns()) views.push_back(columns.emplace_back(column.dtype, column.event));
    data.read(index, views);
  }
  std::vector<std::int32_t> codes() const {
    const auto x = columns[0].values<std::int32_t>();
    return {x.begin(), x.end()};
  }
};

using Codes = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

// What the codes of an item say, with a bar behind each token; only those that the mask shows.
std::string said(const Dataset& data, std::int64_t index) {
  std::string text;
  const auto tokens = data.columns()[0].classes;
  Codes codes = Piece(data, index).codes();
  if (data.length(index) >= 0) codes.resize(static_cast<std::size_t>(data.length(index)));
  for (const std::int32_t code : codes) text += tokens[static_cast<std::size_t>(code)] + "|";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_data_set)

BOOST_AUTO_TEST_CASE(bytes_characters_and_words) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.txt");
  write_bytes(file, "\xEF\xBB\xBFna\xC3\xAFve  \xF0\x9F\x98\x80\n na\xC3\xAFve end\n");
  const auto characters = text_data(file, {{"length", 5}});
  BOOST_TEST(characters->size() == 4);
  BOOST_TEST(said(*characters, 0) == "n|a|\xC3\xAF|v|e|");
  BOOST_TEST(said(*characters, 1) == " | |\xF0\x9F\x98\x80|\n| |");
  BOOST_TEST(
      (characters->columns()[0].classes == Names{"\n", " ", "a", "d", "e", "n", "v", "\xC3\xAF", "\xF0\x9F\x98\x80"}));
  BOOST_TEST(characters->columns().size() == 1);  // no piece is short
  BOOST_TEST(characters->length(0) == -1);
  BOOST_TEST((characters->origin(1).file == file && characters->origin(1).position == 9));

  const auto words = text_data(file, {{"tokens", "words"}, {"length", 2}});
  BOOST_TEST(words->size() == 2);
  BOOST_TEST(said(*words, 0) == "na\xC3\xAFve|\xF0\x9F\x98\x80|");
  BOOST_TEST(said(*words, 1) == "na\xC3\xAFve|end|");

  const auto bytes = text_data(file, {{"tokens", "bytes"}, {"length", 7}});
  BOOST_TEST((Piece(*bytes, 0).codes() == Codes{0xEF, 0xBB, 0xBF, 'n', 'a', 0xC3, 0xAF}));
  BOOST_TEST((bytes->columns()[0].classes.size() == 256 && bytes->columns()[0].classes[10] == "0x0a"));
  write_bytes(file, "\xFF\x00\xFE");  // bytes need not be text
  BOOST_TEST((Piece(*text_data(file, {{"tokens", "bytes"}, {"length", 1}}), 0).codes() == Codes{0xFF}));
}

BOOST_AUTO_TEST_CASE(pieces_and_their_masks) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.txt");
  write_bytes(file, "abcde\r\n\nfg\nhijklmn");
  const auto lines = text_data(file, {{"pieces", "lines"}, {"length", 5}});
  BOOST_TEST(lines->size() == 3);
  BOOST_TEST((said(*lines, 0) == "a|b|c|d|e|" && said(*lines, 1) == "f|g|" && said(*lines, 2) == "h|i|j|k|l|"));
  BOOST_TEST((lines->length(1) == 2 && lines->origin(1).position == 8));
  const Column mask = lines->columns()[1];
  BOOST_TEST((mask.name == "mask" && mask.role == ColumnRole::mask && mask.event == Shape{5}));
  const Piece second(*lines, 1);
  const auto shown = second.columns[1].values();
  BOOST_TEST((std::vector<float>(shown.begin(), shown.end()) == std::vector<float>{1, 1, 0, 0, 0}));
  BOOST_TEST((second.codes()[2] == 0 && second.codes()[4] == 0));
  BOOST_TEST(lines->notices().front() == "1 line is longer than 5 tokens: the rest is left out");

  BOOST_TEST(text_data(file, {{"length", 7}})->size() == 2);  // the last 4 characters are dropped
  const auto padded = text_data(file, {{"length", 7}, {"tail", "pad"}});
  BOOST_TEST((padded->size() == 3 && padded->length(2) == 4 && padded->length(0) == 7));
  const auto whole = text_data(file, {{"length", 100}, {"pieces", "files"}});
  BOOST_TEST((whole->size() == 1 && whole->length(0) == 18));
}

BOOST_AUTO_TEST_CASE(vocabularies) {
  const ScratchFolder folder;
  const std::string file = folder.file("train.txt"), other = folder.file("other.txt");
  write_bytes(file, "a b a c a b d e");
  const OptionList words = {{"tokens", "words"}, {"length", 2}};
  const auto with = [&](OptionList more) {
    more.insert(more.end(), words.begin(), words.end());
    return more;
  };
  const auto data = text_data(file, words);
  BOOST_TEST((data->columns()[0].classes == Names{"a", "b", "c", "d", "e"}));
  const auto few = text_data(file, with({{"max_vocabulary", 3}}));
  BOOST_TEST((few->columns()[0].classes == Names{"a", "b", "<unknown>"}));
  BOOST_TEST(said(*few, 1) == "a|<unknown>|");

  write_bytes(other, "b zebra");
  const auto settled = few->settled_options();
  BOOST_TEST(said(*text_data(other, with({settled.begin(), settled.end()})), 0) == "b|<unknown>|");
  const auto strict = data->settled_options();
  check_error(ErrorCode::data_wrong_format, {"other.txt", "'zebra' is not in the vocabulary", "<unknown>"}, [&] {
    text_data(other, with({strict.begin(), strict.end()}));
  });
  // Characters may be given as one text.
  write_bytes(file, "abba");
  BOOST_TEST((Piece(*text_data(file, {{"vocabulary", "ba"}, {"length", 4}}), 0).codes() == Codes{1, 0, 0, 1}));
}

BOOST_AUTO_TEST_CASE(folders_are_classes_and_files_are_never_cut_by_the_split) {
  const ScratchFolder folder;
  const std::string root = folder.file("texts");
  for (const char* author : {"woolf", "austen"}) {
    std::filesystem::create_directories(root + "/" + author);
    for (int i = 0; i < 4; ++i) write_bytes(root + "/" + author + "/" + std::to_string(i) + ".txt", "abcabcabc");
  }
  write_bytes(root + "/notes.md", "left out");
  write_bytes(root + "/woolf/empty.txt", "");
  const OptionList options = {{"length", 3}, {"holdout", 4}};
  const auto with = [&](const OptionValue& split, const OptionValue& by) {
    OptionList all = options;
    all.insert(all.end(), {{"split", split}, {"holdout_by", by}});
    return text_data(root, all);
  };
  const auto all = with("all", "file");
  BOOST_TEST(all->size() == 24);
  const Column label = all->columns()[1];
  BOOST_TEST((label.role == ColumnRole::label && label.classes == Names{"austen", "woolf"}));
  for (std::int64_t i = 0; i < all->size(); ++i)
    BOOST_TEST(Piece(*all, i).columns[1].values<std::int32_t>()[0] ==
               (all->origin(i).file.find("woolf") != std::string::npos ? 1 : 0));
  BOOST_TEST(all->notices().size() == 3);
  BOOST_TEST(all->notices().back() == "the vocabulary has 3 characters");

  std::map<std::string, std::set<std::string>> files;
  for (const char* split : {"train", "test"}) {
    const auto data = with(split, "file");
    for (std::int64_t i = 0; i < data->size(); ++i) files[split].insert(data->origin(i).file);
  }
  BOOST_TEST((files["train"].size() == 6 && files["test"].size() == 2));
  for (const std::string& file : files["test"]) BOOST_TEST(files["train"].count(file) == 0);
  const auto ends = with("test", "end");
  BOOST_TEST(ends->size() == 8);
  for (std::int64_t i = 0; i < ends->size(); ++i) BOOST_TEST(ends->origin(i).position == 6);
  BOOST_TEST(ends->hash() != with("test", "file")->hash());
}

BOOST_AUTO_TEST_CASE(a_text_for_test_has_the_vocabulary_of_train) {
  const ScratchFolder folder;
  const std::string file = folder.file("train.txt"), test = folder.file("test.txt");
  write_bytes(file, "abcdabcd");
  write_bytes(test, "dada");
  const auto held_out = text_data(file, {{"test", test}, {"split", "test"}, {"length", 2}});
  BOOST_TEST((held_out->size() == 2 && said(*held_out, 0) == "d|a|"));
  BOOST_TEST((Piece(*held_out, 0).codes() == Codes{3, 0}));
  BOOST_TEST(text_data(file, {{"test", test}, {"split", "train"}, {"length", 2}})->size() == 4);
  write_bytes(test, "dado");
  check_error(ErrorCode::data_wrong_format, {"'o' is not in the vocabulary"}, [&] {
    text_data(file, {{"test", test}, {"split", "test"}, {"length", 2}});
  });
}

BOOST_AUTO_TEST_CASE(wrong_texts) {
  const ScratchFolder folder;
  const std::string root = folder.file("texts");
  std::filesystem::create_directories(root);
  write_bytes(root + "/a.txt", "gr\xFC\xDF");
  write_bytes(root + "/b.txt", "good");
  write_bytes(root + "/c.txt", "cut \xE2\x82");
  check_error(ErrorCode::data_wrong_format, {"a.txt, byte 2", "0xfc", "c.txt, byte 4", "iconv"}, [&] {
    text_data(root, {{"length", 2}});
  });
  const std::string file = folder.file("t.txt");
  for (const char* wrong : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE0\x80\x80"}) {
    write_bytes(file, std::string("ab") + wrong + "cd");
    check_error(ErrorCode::data_wrong_format, {"t.txt, byte 2"}, [&] { text_data(file, {{"length", 2}}); });
  }
  write_bytes(file, "ab");
  check_error(ErrorCode::data_empty, {"1 file", "5 tokens"}, [&] { text_data(file, {{"length", 5}}); });
  check_error(ErrorCode::data_specification, {"vocabulary", "twice"}, [&] {
    text_data(file, {{"length", 1}, {"vocabulary", "aab"}});
  });
  check_error(ErrorCode::data_not_found, {"nothing"}, [&] { text_data(folder.file("nothing")); });
}

BOOST_AUTO_TEST_SUITE_END()
