// Recordings: pieces, channels, mu-law, and wrong files.
#include <cmath>
#include <filesystem>
#include <set>

#include "loom/check.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(audio)

BOOST_AUTO_TEST_CASE(recordings_are_cut_into_pieces) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 25, 1, ramp);
  write_sound(folder.file("b.flac"), 9, 1, ramp, 8000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);  // shorter than a piece
  write_sound(folder.file("c.flac"), 10, 1, ramp, 8000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  const DataSource data = open_data("audio", {{"path", folder.path()}, {"length", 10}, {"split", "all"}});
  BOOST_TEST(data.size() == 3);
  BOOST_TEST((data.columns()[0].event == Shape{10, 1}));
  std::multiset<float> starts;
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<float> piece = Item(data, i).floats();
    starts.insert(piece[0]);
    for (std::size_t k = 1; k < piece.size(); ++k) BOOST_TEST(std::abs(piece[k] - piece[k - 1] - 1 / 1024.0F) < 1e-4F);
  }
  BOOST_TEST((starts == std::multiset<float>{0, 0, 10 / 1024.0F}));
}

BOOST_AUTO_TEST_CASE(channels_are_averaged) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 4, 2, [](int, int c) { return c == 0 ? 0.5F : -0.25F; });
  for (const float value :
       Item(open_data("audio", {{"path", folder.path()}, {"length", 4}, {"split", "all"}}), 0).floats())
    BOOST_TEST(std::abs(value - 0.125F) < 1e-4F);
}

BOOST_AUTO_TEST_CASE(mu_law_levels) {
  const ScratchFolder folder;
  const std::vector<float> samples = {-1, -0.5F, 0, 0.5F, 0.999F};
  write_sound(folder.file("a.wav"), 5, 1, [&](int i, int) { return samples[static_cast<std::size_t>(i)]; });
  const std::vector<std::int32_t> levels =
      Item(open_data("audio", {{"path", folder.path()}, {"length", 5}, {"split", "all"}, {"representation", "mu_law"}}),
           0)
          .integers(0);
  // round(127.5 (1 + sign(x) ln(1 + 255 |x|) / ln 256)): 127.5 (1 -+ 0.875703) for 0.5
  BOOST_TEST((levels == std::vector<std::int32_t>{0, 16, 128, 239, 255}));
}

BOOST_AUTO_TEST_CASE(the_last_piece_is_padded_with_silence) {
  const ScratchFolder folder;
  write_sound(folder.file("a.wav"), 14, 1, [](int, int) { return 0.5F; });
  const DataSource data =
      open_data("audio", {{"path", folder.path()}, {"length", 10}, {"split", "all"}, {"tail", "pad"}});
  BOOST_TEST(data.size() == 2);
  const std::vector<float> piece = Item(data, 1).floats();
  for (std::size_t i = 0; i < 10; ++i) BOOST_TEST(std::abs(piece[i] - (i < 4 ? 0.5F : 0.0F)) < 1e-4F);
}

BOOST_AUTO_TEST_CASE(a_mask_marks_the_padding) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder.file("yes"));
  write_sound(folder.file("yes/a.wav"), 14, 2, ramp);
  for (const std::int64_t channels : {1, 2}) {
    const auto open = [&](const char* tail) {
      return open_data(
          "audio", {{"path", folder.path()}, {"length", 10}, {"split", "all"}, {"channels", channels}, {"tail", tail}});
    };
    const DataSource data = open("pad");
    const Column& mask = data.columns().back();
    BOOST_TEST(mask.name == "mask");
    BOOST_TEST((mask.role == ColumnRole::mask));
    BOOST_TEST((mask.event == data.columns()[0].event));
    const auto column = data.columns().size() - 1;
    BOOST_TEST((Item(data, 0).floats(column) == std::vector<float>(static_cast<std::size_t>(10 * channels), 1.0F)));
    std::vector<float> last(static_cast<std::size_t>(10 * channels), 0.0F);
    std::fill_n(last.begin(), 4 * channels, 1.0F);
    BOOST_TEST((Item(data, 1).floats(column) == last));
    BOOST_TEST(open("drop").columns().back().name == "label");
  }
  const auto padded = open_dataset(standard_registry(), "audio",
                                   {{"path", folder.path()}, {"length", 10}, {"split", "all"}, {"tail", "pad"}});
  BOOST_TEST(padded->length(0) == 10);
  BOOST_TEST(padded->length(1) == 4);
}

BOOST_AUTO_TEST_CASE(labels_in_names) {
  const ScratchFolder folder;
  for (const char* name : {"10_theo_0.wav", "9_anna_3.wav", "9_theo_12.wav"})
    write_sound(folder.file(name), 10, 1, ramp);
  const auto open = [&](const std::string& names) {
    return open_data("audio", {{"path", folder.path()}, {"length", 10}, {"split", "all"}, {"names", names}});
  };
  const DataSource data = open("{digit}_{speaker}_{take}");
  BOOST_REQUIRE(data.columns().size() == 4U);
  BOOST_TEST(data.columns()[2].name == "speaker");
  std::set<std::vector<std::int32_t>> labels;
  for (std::int64_t i = 0; i < 3; ++i) {
    const Item item(data, i);
    labels.insert({item.integers(1)[0], item.integers(2)[0], item.integers(3)[0]});
  }
  // digits 9, 10; speakers anna, theo; takes 0, 3, 12
  BOOST_TEST((labels == std::set<std::vector<std::int32_t>>{{1, 1, 0}, {0, 0, 1}, {0, 1, 2}}));
  check_error(ErrorCode::data_wrong_format, {"10_theo_0", "{a}-{b}"}, [&] { open("{a}-{b}"); });
  check_error(ErrorCode::data_specification, {"{a}{b}", "{digit}_{speaker}_{take}"}, [&] { open("{a}{b}"); });
}

BOOST_AUTO_TEST_CASE(mu_law_levels_are_the_codes_of_the_node) {
  const ScratchFolder folder;
  constexpr int kLength = 2000;
  write_sound(folder.file("a.wav"), kLength, 1,
              [](int i, int) { return static_cast<float>(std::sin(0.37 * i) * std::exp(-0.004 * i)); });
  const auto item = [&](const char* representation) {
    return Item(
        open_data("audio",
                  {{"path", folder.path()}, {"length", kLength}, {"split", "all"}, {"representation", representation}}),
        0);
  };
  NodeTester encode(standard_registry(), "mu_law_encode");
  const NodeResult codes = encode.input("x", tensor_of({1, kLength}, item("waveform").floats())).run();
  BOOST_TEST(std::ranges::equal(codes.outputs.at("codes").values<std::int32_t>(), item("mu_law").integers(0)));
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  const ScratchFolder folder;
  const std::string file = folder.file("a.wav");
  const auto open = [&] { open_data("audio", {{"path", folder.path()}, {"length", 10}}); };
  check_error(ErrorCode::data_empty, {".wav, .flac"}, open);
  write_bytes(file, "no sound");
  check_error(ErrorCode::data_wrong_format, {"a.wav"}, open);
  write_sound(file, 5, 1, ramp);
  check_error(ErrorCode::data_empty, {"shorter than a piece", "10 samples"}, open);
  write_sound(file, 100, 1, ramp);
  const std::string whole = read_bytes(file);
  write_bytes(file, whole.substr(0, whole.size() - 60));
  check_error(ErrorCode::data_truncated, {"a.wav", "byte", "expected"}, open);
  write_sound(file, 100, 1, ramp);
  write_sound(folder.file("b.wav"), 100, 1, ramp, 16000);
  check_error(ErrorCode::data_shape, {"b.wav", "16000 Hz", "8000 Hz"}, open);
  check_error(ErrorCode::data_not_found, {"a.wab", "a.wav"}, [&] {
    open_data("audio", {{"path", folder.file("a.wab")}});
  });
}

BOOST_AUTO_TEST_SUITE_END()
