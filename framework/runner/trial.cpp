// graph-runner trial: the child process that tests a changed graph or plugin (live/probation.h). For internal use.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <new>

#include "io/diagnostic_json.h"
#include "live/trial.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

// The output of a plugin must not get between the lines of the answer.
int take_stdout() {
  std::fflush(stdout);
  const int answer = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return answer;
}

std::vector<Diagnostic> findings_of(const TrialRequest& request) {
  try {
    run_trial(request);
    return {};
  } catch (const Error& error) {
    return error.diagnostics();
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::candidate_memory, "it requested more memory than the limit allows").diagnostics();
  } catch (const std::exception& problem) {
    return Error(ErrorCode::candidate_crashed, fmt::format("it threw: {}", problem.what())).diagnostics();
  } catch (...) {
    return Error(ErrorCode::candidate_crashed, "it threw an object that is not a std::exception").diagnostics();
  }
}

int trial() {
  const int answer = take_stdout();
  std::signal(SIGUSR1, SIG_IGN);  // a batch system warns every process of a job
  const std::string text((std::istreambuf_iterator<char>(std::cin)), {});
  const std::vector<Diagnostic> findings = findings_of(TrialRequest::from_json(text));
  const nlohmann::json json =
      findings.empty() ? nlohmann::json{{"ok", true}} : nlohmann::json{{"errors", to_json(findings)}};
  const std::string out = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t count = ::write(answer, out.data() + done, out.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  ::_exit(findings.empty() ? kOk : kFailed);  // without the destructors of the loaded libraries
}

void add_trial(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "trial", "Try a changed graph or plugin (used by train)", "");
  verb.hide();
  verb.action(trial);
}
LOOM_VERB(180, add_trial)

}  // namespace

}  // namespace loom::runner
