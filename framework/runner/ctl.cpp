// graph-runner ctl: controls a running training job.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "live/control_socket.h"
#include "runner/console.h"
#include "runner/verbs.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

struct CtlFlags {
  std::string run;
  std::vector<std::string> words;
};

// One line a value; of a map one line for each of its values, but for what `eval` prints: the metrics.
void print_values(const std::string& prefix, const nlohmann::ordered_json& values) {
  for (const auto& [key, value] : values.items()) {
    if (key == "ok" || key == "metrics") continue;
    if (value.is_object())
      print_values(prefix + key + ".", value);
    else
      print("{:<20} {}\n", prefix + key,
            value.is_string()         ? value.get<std::string>()
            : value.is_number_float() ? fmt::format("{:.6g}", value.get<double>())
                                      : value.dump());
  }
}

void print_answer(const CtlFlags& request, const nlohmann::ordered_json& answer) {
  if (answer.contains("what")) print("step {}: {}\n", answer.at("step").dump(), answer.at("what").get<std::string>());
  if (answer.contains("checkpoint")) print("{}\n", answer.at("checkpoint").get<std::string>());
  if (request.words.front() == "status") {
    print_values("", answer);
  } else if (!answer.contains("what") && !answer.contains("checkpoint")) {
    print("step {}: {}\n", answer.at("step").dump(), answer.at("paused").get<bool>() ? "paused" : "running");
  }
}

// The training job resolves the files that a command names, so relative paths are made absolute.
std::vector<std::string> sent_words(const CtlFlags& request) {
  std::vector<std::string> words = request.words;
  for (std::size_t i = 1; words.front() == "reload" && i < words.size(); ++i)
    words[i] = std::filesystem::absolute(words[i]).lexically_normal().string();
  return words;
}

// Until another process may train the run, or for half a minute: a last evaluation and the report can take longer.
void wait_for_release(const std::string& run) {
  constexpr auto kLook = std::chrono::milliseconds(10);
  constexpr int kMostLooks = 3000;
  for (int look = 0; look < kMostLooks; ++look, std::this_thread::sleep_for(kLook))
    if (!is_training(run)) return;
  say("the training job still writes its last files; until it ends, the run cannot be resumed\n");
}

int ctl(const CtlFlags& request, bool json) {
  if (!is_run_folder(request.run)) {
    throw Error(ErrorCode::run_not_found, fmt::format("{} is not a run: it has no run.json", request.run),
                "give the folder that train writes to");
  }
  nlohmann::ordered_json answer = ask_training(request.run, sent_words(request));
  const bool ok = answer.value("ok", false);
  if (ok && request.words.front() == "stop") wait_for_release(request.run);
  if (json) {
    print_json(answer);
  } else if (ok) {
    print_answer(request, answer);
  } else {
    say("refused; the training job continues unchanged:\n");
    for (const auto& reason : answer["reasons"]) say(fmt::format("  {}\n", reason.get<std::string>()));
  }
  return ok ? kOk : kFailed;
}

void add_ctl(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "ctl", "Control a running training job: change it, pause it, stop it",
                       "graph-runner ctl runs/first status --json\n"
                       "  graph-runner ctl runs/first set losses.kl.weight=2\n"
                       "  graph-runner ctl runs/first swap reconstruction gaussian_nll in.mean=mean in.target=x\n"
                       "  graph-runner ctl runs/first pause");
  auto request = std::make_shared<CtlFlags>();
  verb.option("RUN", request->run, "the run's folder").required();
  verb.option("COMMAND", request->words,
              "status | set PATH=VALUE... | swap NODE TYPE [OPTION=VALUE...] [in.PORT=NODE...] | reload [PLUGIN...] | "
              "checkpoint | pause | resume | stop")
      .required();
  verb.json_flag();
  verb.action([&invocation, request] { return ctl(*request, invocation.json); });
}
LOOM_VERB(170, add_ctl)

}  // namespace

}  // namespace loom::runner
