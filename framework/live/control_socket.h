// The two ends of what graph-runner ctl says to a training: a Unix-domain socket in the run's folder, that only its
// owner can use. A connection carries one request and its answer, each one line of JSON:
//   {"words": ["set", "losses.kl.weight=2"]}
//   {"ok": true, ...}  or  {"ok": false, "reasons": ["..."]}
//
// Ownership: a ControlServer owns the socket's file and a thread, on which `request` is called. An answer may be given
// from any thread, at any later time, once; one that nobody waits for any more goes nowhere.
// Thread safety: as said. Errors: write_failed where the socket cannot be made; no_training (ask).
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

// Sends a request and waits for the answer, however long it takes. Throws no_training where nobody listens, or where
// the training ends before it has answered.
nlohmann::ordered_json ask_training(const std::string& run, const std::vector<std::string>& words);

}  // namespace loom
