// graph-runner version: prints the version, the libraries and the instruction set.
#include <tbb/version.h>

#include <thread>

#include "dnnl/cpu.h"
#include "loom/abi.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {

void add_version(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "version", "Print the version and the libraries and instruction set in use",
                       "graph-runner version --json");
  verb.json_flag();
  verb.action([&invocation] {
    if (invocation.json) {
      print_json({{"version", LOOM_VERSION},
                  {"build_stamp", LOOM_BUILD_STAMP},
                  {"dnnl", dnnl::describe()},
                  {"tbb", TBB_runtime_version()},
                  {"cores", std::thread::hardware_concurrency()}});
      return kOk;
    }
    print("Latentloom {}\n", LOOM_VERSION);
    print("  build stamp  {}\n", LOOM_BUILD_STAMP);
    print("  arithmetic   {}\n", dnnl::describe());
    print("  threads      oneTBB {}, {} cores\n", TBB_runtime_version(), std::thread::hardware_concurrency());
    return kOk;
  });
}
LOOM_VERB(190, add_version)

}  // namespace loom::runner
