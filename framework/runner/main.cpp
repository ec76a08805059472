// graph-runner: trains, evaluates and samples the models of YAML graphs.
//
// Exit codes: 0 ok, 1 failed, 2 wrong use, 65 bad document or data, 129, 130 and 143 after SIGHUP, SIGINT and SIGTERM.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstring>
#include <new>

#include "loom/abi.h"
#include "runner/command_line.h"
#include "runner/console.h"
#include "runner/plugins.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

// Parses the command line, then runs the verb.
int dispatch(CLI::App& app, Invocation& invocation, int count, char** arguments) {
  try {
    app.parse(count, arguments);
  } catch (const CLI::Success& request) {  // --help, --version
    app.exit(request);
    return kOk;
  } catch (const CLI::ParseError& problem) {
    throw command_line_error(app, problem, count, arguments);
  }
  if (!invocation.action) {
    write_out(app.help());
    return kWrongUse;
  }
  return invocation.action();
}

// Every error ends here: it is reported once and turned into an exit code.
int guarded(CLI::App& app, Invocation& invocation, int count, char** arguments) {
  try {
    const int code = dispatch(app, invocation, count, arguments);
    flush_out();
    return code;
  } catch (const BrokenPipe&) {
    return kFailed;
  } catch (const Error& error) {
    print_errors(with_plugin_hints(error), invocation.json);
    flush_out();
    return exit_code(error);
  } catch (const std::bad_alloc&) {
    print_errors(Error(ErrorCode::out_of_memory, "there is not enough memory", "use a smaller --batch or --shard"),
                 invocation.json);
  } catch (const std::exception& error) {
    print_errors(Error(ErrorCode::internal, error.what(), "this is a defect of graph-runner: please report it"),
                 invocation.json);
  }
  flush_out();
  return kFailed;
}

int run(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  auto log = spdlog::stderr_color_mt("graph-runner");
  log->set_pattern("%^%l%$: %v");
  spdlog::set_default_logger(std::move(log));

  CLI::App app("Trains, evaluates and samples latent-variable models written as YAML graphs.", "graph-runner");
  app.set_version_flag("--version", "latentloom " LOOM_VERSION);
  app.footer("\nExample:\n  graph-runner train graphs/vae.yaml --out runs/first\n\nEach verb has its own --help.");
  Invocation invocation;
  for (int i = 1; i < count; ++i) {  // read before parsing, for errors of the command line itself
    if (std::strcmp(arguments[i], "--json") == 0) invocation.json = true;
  }
  add_verbs(app, invocation);
  return guarded(app, invocation, count, arguments);
}

}  // namespace
}  // namespace loom::runner

int main(int count, char** arguments) {
  try {
    return loom::runner::run(count, arguments);
  } catch (...) {  // only if an error cannot even be printed: a full disk, a closed pipe
    return loom::runner::kFailed;
  }
}
