// Whole recordings are held out; a single one is cut by time.
#include <set>

#include "loom/check.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

// Recording r has pieces[r] pieces of 10 samples; every sample is r / 100.
struct Recordings {
  ScratchFolder folder;
  explicit Recordings(const std::vector<int>& pieces) {
    for (std::size_t r = 0; r < pieces.size(); ++r) {
      write_sound(
          folder.file(fmt::format("{:03}.wav", r)), 10 * pieces[r], 1,
          [&](int i, int) { return static_cast<float>(r) / 100 + static_cast<float>(i / 10) / 10000; }, 8000,
          SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    }
  }
  DataSource open(const char* split, OptionList options = {}) const {
    return open_audio(folder.path(), 10, std::move(options), split);
  }
};

// (recording, piece) of every item.
std::vector<std::pair<int, int>> places(const DataSource& data) {
  std::vector<std::pair<int, int>> found;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const int value = static_cast<int>(std::lround(10000 * Item(data, i).floats()[0]));
    found.emplace_back(value / 100, value % 100);
  }
  return found;
}

std::set<int> recordings_of(const DataSource& data) {
  std::set<int> found;
  for (const auto& [recording, piece] : places(data)) found.insert(recording);
  return found;
}

void check_halves(const Recordings& recordings, std::size_t all, std::size_t held, const OptionList& options = {}) {
  const std::set<int> train = recordings_of(recordings.open("train", options));
  const std::set<int> test = recordings_of(recordings.open("test", options));
  BOOST_TEST(test.size() == held);
  BOOST_TEST(train.size() == all - held);
  for (const int r : test) BOOST_TEST(!train.contains(r), "recording " << r << " is on both sides");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(audio_split)

BOOST_AUTO_TEST_CASE(recordings_are_held_out_whole) {
  std::vector<int> pieces;
  for (int r = 0; r < 40; ++r) pieces.push_back(1 + r * 7 % 5);
  const Recordings recordings(pieces);
  check_halves(recordings, 40, 4);
  check_halves(recordings, 40, 13, {{"holdout", 3}});
  const DataSource train = recordings.open("train"), test = recordings.open("test"), all = recordings.open("all");
  BOOST_TEST(train.size() + test.size() == all.size());
  BOOST_TEST(std::ranges::is_sorted(places(all)));
  // The pieces of a recording follow each other, from its first to its last.
  const auto found = places(test);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool goes_on = i > 0 && found[i - 1].first == found[i].first;
    BOOST_TEST(found[i].second == (goes_on ? found[i - 1].second + 1 : 0));
    const bool ends = i + 1 == found.size() || found[i + 1].first != found[i].first;
    if (ends) BOOST_TEST(found[i].second + 1 == pieces[static_cast<std::size_t>(found[i].first)]);
  }
  BOOST_TEST(test.notices().empty());
  BOOST_TEST(std::set<std::string>({train.hash(), test.hash(), all.hash()}).size() == 3U);
  BOOST_TEST(test.hash() == recordings.open("test").hash());
}

BOOST_AUTO_TEST_CASE(few_recordings_hold_out_one) {
  for (const int count : {2, 3, 9}) {
    const Recordings recordings(std::vector<int>(static_cast<std::size_t>(count), 3));
    check_halves(recordings, static_cast<std::size_t>(count), 1);
    const std::vector<std::string> notices = recordings.open("train").notices();
    BOOST_REQUIRE(notices.size() == 1U);
    BOOST_TEST(notices[0] ==
               fmt::format("there are {} recordings, fewer than holdout=10: one of them is held out for test", count));
    BOOST_TEST(recordings.open("all").notices().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_single_recording_is_cut_by_time) {
  const Recordings recordings({31});
  const auto train = places(recordings.open("train")), test = places(recordings.open("test"));
  BOOST_REQUIRE(train.size() == 28U);
  BOOST_REQUIRE(test.size() == 3U);
  for (int i = 0; i < 28; ++i) BOOST_TEST(train[static_cast<std::size_t>(i)].second == i);
  for (int i = 0; i < 3; ++i) BOOST_TEST(test[static_cast<std::size_t>(i)].second == 28 + i);
  BOOST_TEST(recordings.open("train").notices().at(0) ==
             "there is one recording: the last 3 of its 31 pieces are held out for test");
  const Recordings two({2});
  BOOST_TEST(two.open("train").size() == 1);
  BOOST_TEST(places(two.open("test")).at(0).second == 1);
  const Recordings one({1});
  BOOST_TEST(one.open("train").size() == 1);
  BOOST_TEST(one.open("train").notices().at(0) == "there is one recording of one piece: nothing is held out for test");
  check_error(ErrorCode::data_empty, {"nothing to hold out", "1 recording of one piece", "smaller length"},
              [&] { one.open("test"); });
}

BOOST_AUTO_TEST_CASE(every_recording_is_cut_by_time) {
  const Recordings recordings({20, 1, 5});
  const OptionList by_time = {{"holdout_by", "time"}};
  const auto test = places(recordings.open("test", by_time));
  BOOST_TEST((test == std::vector<std::pair<int, int>>{{0, 18}, {0, 19}, {2, 4}}));
  const auto train = places(recordings.open("train", by_time));
  BOOST_TEST(train.size() == 18U + 1U + 4U);
  for (const auto& place : test) BOOST_TEST((std::ranges::find(train, place) == train.end()));
  const Recordings short_ones({1, 1, 1});
  check_error(ErrorCode::data_empty, {"3 recordings of one piece", "holdout_by: file"},
              [&] { short_ones.open("test", by_time); });
}

BOOST_AUTO_TEST_SUITE_END()
