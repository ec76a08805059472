#include "runner/model_flags.h"

#include "run/algorithms.h"
#include "runner/console.h"

namespace loom::runner {

ModelOptions ModelFlags::model_options() const {
  return {.weights = weights, .newest = newest, .plugins = plugins, .threads = threads, .notice = say_line};
}

void add_model(Verb& verb, ModelFlags& flags) {
  verb.option("RUN", flags.model, "the folder of a run, or a graph file").required();
}

void add_model_flags(Verb& verb, ModelFlags& flags) {
  verb.option("--weights", flags.weights, "a safetensors file instead of the run's best checkpoint");
  verb.flag("--newest", flags.newest, "the run's newest checkpoint instead of its best");
  verb.threads_flag(flags.threads);
  verb.plugins_flag(flags.plugins);
}

void algorithms_flags(Verb& verb, std::string& algorithms, std::string& precision) {
  verb.option(
          "--algorithms", algorithms,
          "transformed (the default): convolutions in training may use Winograd's transforms, which round differently, "
          "where they are faster; direct: none does")
      .one_of(kAlgorithmWords);
  verb.option("--precision", precision,
              "f32 (the default), or bf16: products and convolutions in training round their operands to bf16 and sum "
              "in f32; "
              "weights, losses, statistics and optimizers stay f32")
      .one_of(kPrecisionWords);
}

}  // namespace loom::runner
