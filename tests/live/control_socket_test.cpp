// What is said to a training, from many sides at once, and to one that is not there.
#include "live/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

// What a request of any bytes draws: an answer that says what a request is.
std::string answer_to(const std::string& run, const std::string& request) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ControlServer::path_in(run).copy(name.sun_path, sizeof name.sun_path - 1);
  std::string text;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) {
    std::string_view rest = request;
    while (!rest.empty()) {
      const ssize_t count = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(socket);
  return text;
}

BOOST_AUTO_TEST_CASE(requests_of_another_form_are_refused) {
  const ScratchFolder folder;
  const ControlServer server(folder.path(), [](const std::vector<std::string>& words, const ControlAnswer& answer) {
    answer({{"ok", true}, {"count", words.size()}});
  });
  std::string many = "{\"words\": [\"a\"";
  for (int i = 0; i < 200; ++i) many += ",1";
  const std::string deep = "{\"words\": " + std::string(50000, '[') + std::string(10000, ']') + "}\n";
  for (const std::string& request :
       {std::string("\n"), std::string("[1]\n"), std::string("{\"words\": \"status\"}\n"),
        std::string("{\"words\": [[\"status\"]]}\n"), std::string("{\"words\": [null]}\n"), many + "]}\n", deep}) {
    const std::string answer = answer_to(folder.path(), request);
    BOOST_TEST(answer.find("a request is one line of JSON") != std::string::npos, request.substr(0, 40) + answer);
  }
  BOOST_TEST(answer_to(folder.path(), "{\"words\": [\"set\", 2]}\n").find("\"count\":2") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
