// Training in a program of your own: what graph-runner train does, with functions that are called on the way.
//
//   loom::Trainer trainer("graphs/vae.yaml", {.steps = 1000, .out = "runs/first"});
//   trainer.on_step([](const loom::TrainStep& step) { std::printf("%ld %g\n", long(step.step), step.loss); });
//   trainer.train();                                  // or train(100), any number of times
//   const loom::Model model("runs/first");
//
//   loom::Trainer again = loom::Trainer::resume("runs/first");
//
// The same document, settings, seed, lanes and shard give the same bits as graph-runner train, for any number of
// threads and however train() is cut into calls; a resumed run computes what the uninterrupted one would have.
//
// Ownership: owns the document, weights, data, threads and the run's folder, whose lock it holds while it lives.
// Thread safety: one thread calls, on which the functions are called too; stop() may be called from any thread and from
// within them. Several Trainers and Models may be used side by side, each from its own thread.
// Errors: all are loom::Error. The constructor throws everything that is wrong with the document (E1xx, E2xx), its data
// (E4xx), its plugins (E6xx), and run_exists where the folder holds anything; resume() throws run_not_found. train()
// throws node_failed and not_finite, after which it may be called again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loom/metric.h"
#include "loom/model.h"

namespace loom {

struct TrainerOptions {
  std::string data = {};                   // TYPE:PATH,key=value in place of the document's
  std::optional<std::int64_t> steps = {};  // in all
  std::optional<std::int64_t> batch = {};  // samples of a step
  std::optional<std::uint64_t> seed = {};  // of weights, order of the data, and noise
  std::string out = {};                    // the folder that the run is written to; "": none is written
  std::string init = {};  // a run or a safetensors file: the first weights, as far as they fit (notice says what did)
  std::vector<std::string> overrides = {};  // "path=value": train.optimizer.lr=1e-4
  std::vector<std::string> plugins = {};    // libraries beside the standard ones
  int threads = 0;                          // 0: one per core; does not affect the result
  int lanes = 0;                            // 0: chosen from the shapes
  std::int64_t shard = 0;                   // samples; 0: chosen from the shapes
  std::string algorithms = {};              // transformed or direct, as of graph-runner train; "": transformed
  std::string precision = {};               // f32 or bf16; "": f32
  std::function<void(const std::string&)> notice = {};  // what is worth knowing and no error, a sentence each
};

// With changes (data to accept_data) the run is changed from its newest checkpoint on; what cannot be changed is thrown,
// and the run is as it was. No trial in another process is made.
struct ResumeOptions {
  std::optional<std::int64_t> steps = {};   // in all, in place of the run's
  std::string data = {};                    // TYPE:PATH,key=value in place of the run's
  std::vector<std::string> overrides = {};  // "path=value"
  std::optional<std::int64_t> batch = {};
  bool accept_data = false;  // the content of the data may have changed
  std::vector<std::string> plugins = {};
  int threads = 0;
  std::function<void(const std::string&)> notice = {};
  std::string algorithms = {}, precision = {};  // as of TrainerOptions; "": those of the run
};

struct TrainStep {
  std::int64_t step = 0;     // finished steps
  bool skipped = false;      // the gradient was not usable: the weights stayed as they were
  double loss = 0;           // the first objective's sum with its final weights, nats per sample
  double learning_rate = 0;  // of the first objective
  std::vector<std::pair<std::string, double>> terms;  // mean of each, nats per sample; NaN: not in training
};

struct TrainEvaluation {
  std::int64_t step = 0;  // finished steps
  std::int64_t samples = 0;
  double loss = 0;                      // the first objective's sum with its final weights, nats per sample
  std::optional<double> negative_elbo;  // nats per sample; none where the losses make no bound
  std::vector<MetricValue> values;      // everything that was measured; the mean of each loss as "terms"
  bool best = false;                    // the best so far
};

enum class TrainResult {
  completed,  // every step is done
  paused,     // the steps of this call are done; train() continues
  stopped,    // stop() was called; train() continues
  early       // no improvement for train.early_stopping evaluations
};

class __attribute__((visibility("default"))) Trainer {
 public:
  explicit Trainer(const std::string& graph, const TrainerOptions& options = {});
  // What is wrong with the text alone is thrown before what is wrong with its graph.
  explicit Trainer(const DocumentText& document, const TrainerOptions& options = {});
  static Trainer resume(const std::string& run, const ResumeOptions& options = {});
  ~Trainer();
  Trainer(Trainer&& other) noexcept;
  Trainer& operator=(Trainer&& other) noexcept;

  // Called from train(): after every step, after every evaluation on held-out data, after every checkpoint is written.
  // What they throw leaves train(), between two steps.
  void on_step(std::function<void(const TrainStep&)> function);
  void on_evaluation(std::function<void(const TrainEvaluation&)> function);
  void on_checkpoint(std::function<void(const std::string& path)> function);

  // To the last step, or `steps` further ones; where stop() was called, a checkpoint is written first.
  TrainResult train(std::int64_t steps = 0);
  // Ends the train() that runs after its step, else the next one after its first.
  void stop();
  TrainEvaluation evaluate(const std::string& split = "test", std::int64_t limit = 0);  // limit 0: every sample
  std::string save_checkpoint();  // its path; throws usage where no folder is written
  // Writes samples, reconstructions, a traversal and the report into the run's folder, as graph-runner train does at its end.
  // Returns their paths; what cannot be made is noticed.
  std::vector<std::string> finish();

  const std::string& name() const;  // `graph:` of the document
  const std::string& out() const;   // the run's folder; "": none
  std::int64_t steps() const;       // to be done in all
  std::int64_t steps_done() const;
  std::int64_t batch() const;
  std::uint64_t seed() const;
  int threads() const;

 private:
  class Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
