// What is said to a training, from many sides at once, and to one that is not there.
#include "live/control_socket.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>

#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(control_socket)

BOOST_AUTO_TEST_CASE(many_clients_get_their_own_answers) {
  const ScratchFolder folder;
  std::string deep = folder.path();  // longer than a socket's name may be
  for (int i = 0; i < 12; ++i) deep += "/a-folder-with-a-name";
  std::filesystem::create_directories(deep);
  std::atomic<int> right = 0;
  {
    const ControlServer server(deep, [](std::vector<std::string> words, ControlAnswer answer) {
      std::thread([words, answer] { answer({{"ok", true}, {"word", words.at(1)}}); }).detach();
    });
    struct stat status {};
    BOOST_REQUIRE(::stat(ControlServer::path_in(deep).c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0600);
    std::vector<std::thread> clients;
    for (int i = 0; i < 24; ++i) {
      clients.emplace_back([&, i] {
        const std::string word = std::to_string(i);
        if (ask_training(deep, {"echo", word}).at("word") == word) ++right;
      });
    }
    for (std::thread& client : clients) client.join();
  }
  BOOST_TEST(right == 24);
  BOOST_TEST(!std::filesystem::exists(ControlServer::path_in(deep)));
}

BOOST_AUTO_TEST_CASE(nobody_there_and_nobody_any_more_are_said) {
  const ScratchFolder folder;
  const auto no_training = [](const Error& error) { return error.code() == ErrorCode::no_training; };
  BOOST_CHECK_EXCEPTION(ask_training(folder.path(), {"status"}), Error, no_training);
  BOOST_CHECK_EXCEPTION(ask_training(folder.file("none"), {"status"}), Error, no_training);
  auto server =
      std::make_unique<ControlServer>(folder.path(), [](const std::vector<std::string>&, const ControlAnswer&) {});
  BOOST_CHECK_EXCEPTION(ask_training(folder.path(), {"status"}), Error, no_training);  // it never answers
}

BOOST_AUTO_TEST_SUITE_END()
