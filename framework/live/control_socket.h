// The two ends of the connection between graph-runner ctl and a training job: a Unix-domain socket in the run's folder,
// which only its owner can use. A connection carries one request and its answer, each as one line of JSON:
//   {"words": ["set", "losses.kl.weight=2"]}
//   {"ok": true, ...}  or  {"ok": false, "reasons": ["..."]}
//
// Ownership: a ControlServer owns the socket's file and a thread, on which `request` is called. An answer may be
// given once, from any thread, at any later time; an answer that nobody waits for any more is discarded.
// Thread safety: as described. Errors: write_failed if the socket cannot be made; no_training (ask).
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace loom {

using ControlAnswer = std::function<void(const nlohmann::ordered_json&)>;

class ControlServer {
 public:
  using Handler = std::function<void(std::vector<std::string> words, ControlAnswer answer)>;

  ControlServer(const std::string& run, Handler request);
  ~ControlServer();  // connections without an answer are closed
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  static std::string path_in(const std::string& run) { return run + "/control.sock"; }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Sends a request and waits for the answer, however long it takes. Throws no_training if nobody listens, or if the
// training job ends before it has answered.
nlohmann::ordered_json ask_training(const std::string& run, const std::vector<std::string>& words);

}  // namespace loom
