// Trains 100 steps, opens the run, encodes a picture, decodes it, draws samples:  embed GRAPH.yaml NEW-FOLDER
#include <loom/error.h>
#include <loom/model.h>
#include <loom/trainer.h>

#include <cstdio>

namespace {

void train(const char* graph, const char* run) {
  loom::Trainer trainer(graph, {.steps = 100, .batch = 16, .seed = 1, .out = run});
  trainer.on_step([](const loom::TrainStep& step) {
    if (step.step % 25 == 0) std::printf("step %lld: loss %.3f nats\n", static_cast<long long>(step.step), step.loss);
  });
  trainer.on_evaluation([](const loom::TrainEvaluation& evaluation) {
    if (evaluation.negative_elbo) std::printf("negative ELBO %.3f nats\n", *evaluation.negative_elbo);
  });
  trainer.train();
}

void use(const char* run) {
  const loom::Model model(run);
  loom::Tensor picture(loom::DType::f32, model.input().shape.at_batch(1));
  for (float& pixel : picture.values()) pixel = 0.5F;
  const loom::Tensor code = model.encode(picture), back = model.decode(code), drawn = model.sample(4, {.seed = 7});
  std::printf("%s: %s -> %s -> %s\n", model.name().c_str(), picture.shape().text().c_str(), code.shape().text().c_str(),
              back.shape().text().c_str());
  std::printf("samples %s, ln p(picture) about %.1f nats\n", drawn.shape().text().c_str(),
              model.log_density(picture, {.draws = 10}).front());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  try {
    train(arguments[1], arguments[2]);
    use(arguments[2]);
  } catch (const loom::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
