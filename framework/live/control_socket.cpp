#include "live/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "io/json_fields.h"
#include "live/descriptor.h"
#include "loom/error.h"

namespace loom {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestRequest = 1 << 16;  // bytes
constexpr std::size_t kMostWords = 100;
constexpr int kDeepestRequest = 2;            // the object and its list
constexpr std::size_t kMostConnections = 32;  // others wait in the kernel's queue

// A socket's path has at most 107 characters; a run's path can be longer, so the socket is opened through the folder.
struct Address {
  Descriptor folder;
  sockaddr_un name{};

  explicit Address(const std::string& run) : folder(::open(run.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    name.sun_family = AF_UNIX;
    const std::string path = ControlServer::path_in(fmt::format("/proc/self/fd/{}", folder.get()));
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

bool send_line(int socket, const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool is_own(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == ::geteuid() || peer.uid == 0);
}

struct Connection {
  std::shared_ptr<Descriptor> socket;
  std::string text;
};

}  // namespace

class ControlServer::Impl {
 public:
  Impl(const std::string& run, Handler handler)
      : file_(path_in(run)), handler_(std::move(handler)), wake_(::eventfd(0, EFD_CLOEXEC)), socket_(listening(run)) {
    thread_ = std::thread([this] { serve(); });
  }

  ~Impl() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
    ::unlink(file_.c_str());
  }

 private:
  int listening(const std::string& run) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const Address address(run);
    ::unlink(file_.c_str());              // left by a killed process: this process has the run's lock
    ::fchmod(socket, S_IRUSR | S_IWUSR);  // before bind, so that other users can never connect
    if (socket >= 0 && ::bind(socket, address.get(), sizeof address.name) == 0 && ::listen(socket, 16) == 0)
      return socket;
    const std::string problem = std::strerror(errno);
    if (socket >= 0) ::close(socket);
    throw Error(ErrorCode::write_failed, fmt::format("cannot create {}: {}", file_, problem));
  }

  void serve() {
    for (;;) {
      std::vector<pollfd> events = {{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
      if (connections_.size() >= kMostConnections) events[1].fd = -1;
      for (const Connection& connection : connections_) events.push_back({connection.socket->get(), POLLIN, 0});
      if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
      if (events[0].revents != 0) return;
      std::size_t i = 2;
      for (auto it = connections_.begin(); it != connections_.end(); ++i)
        it = events[i].revents != 0 && !receive(*it) ? connections_.erase(it) : std::next(it);
      if (events[1].revents != 0) accept();
    }
  }

  void accept() {
    auto socket = std::make_shared<Descriptor>(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket->get() >= 0 && is_own(socket->get())) connections_.push_back({std::move(socket), ""});
  }

  // False if the connection is finished here: its request is complete and the answer owns the socket, or it is
  // closed.
  bool receive(Connection& connection) {
    std::array<char, 4096> buffer;
    const ssize_t count = ::recv(connection.socket->get(), buffer.data(), buffer.size(), 0);
    if (count < 0) return errno == EINTR;
    if (count == 0) return false;
    connection.text.append(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t end = connection.text.find('\n');
    if (end == std::string::npos && connection.text.size() <= kLongestRequest) return true;
    const std::string line = connection.text.substr(0, end);
    const Json json = line.size() <= kLongestRequest && !nested_deeper(line, kDeepestRequest)
                          ? Json::parse(line, nullptr, false)
                          : Json();
    const auto answer = [socket = connection.socket](const Json& reply) { send_line(socket->get(), reply); };
    std::vector<std::string> words;
    const auto given = json.is_object() ? json.find("words") : json.end();
    const bool good =
        json.is_object() && given != json.end() && given->is_array() && given->size() <= kMostWords &&
        std::ranges::all_of(*given, [](const Json& word) { return word.is_primitive() && !word.is_null(); });
    for (const Json& word : good ? *given : Json::array())
      words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    if (words.empty())
      answer({{"ok", false}, {"reasons", {"a request is one line of JSON: {\"words\": [\"status\"]}"}}});
    else
      handler_(std::move(words), answer);
    return false;
  }

  std::string file_;
  Handler handler_;
  Descriptor wake_, socket_;
  std::list<Connection> connections_;
  std::thread thread_;
};

ControlServer::ControlServer(const std::string& run, Handler request)
    : impl_(std::make_unique<Impl>(run, std::move(request))) {}
ControlServer::~ControlServer() = default;

nlohmann::ordered_json ask_training(const std::string& run, const std::vector<std::string>& words) {
  const auto nobody = [&](const std::string& why) {
    return Error(ErrorCode::no_training, fmt::format("no training job of {} {}", run, why),
                 "graph-runner train --resume " + run + " resumes it");
  };
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address address(run);
  if (address.folder.get() < 0 || ::connect(socket.get(), address.get(), sizeof address.name) != 0)
    throw nobody("is listening");
  if (!send_line(socket.get(), {{"words", words}})) throw nobody("is listening any more");
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0 || (count < 0 && errno == EINTR)) {
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  const Json json = nested_deeper(text, kMaxJsonDepth) ? Json() : Json::parse(text, nullptr, false);
  if (!json.is_object()) throw nobody("has answered");
  return json;
}

}  // namespace loom
