// The C functions over loom::Trainer.
#include <algorithm>
#include <limits>

#include "embed/c_guard.h"
#include "loom/trainer.h"

using loom::c::bad_argument;
using loom::c::guarded;
using loom::c::kNull;

struct loom_trainer {
  loom::Trainer trainer;
};

namespace {

loom_evaluation to_c(const loom::TrainEvaluation& evaluation) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::ranges::find_if(evaluation.values, [](const loom::MetricValue& value) {
    return value.key == "bits_per_dim" && std::holds_alternative<double>(value.value);
  });
  return {sizeof(loom_evaluation),
          evaluation.step,
          evaluation.samples,
          evaluation.loss,
          evaluation.negative_elbo.value_or(none),
          bits == evaluation.values.end() ? none : std::get<double>(bits->value),
          evaluation.best ? 1 : 0};
}

void connect(loom::Trainer& trainer, const loom_trainer_options& given) {
  if (given.on_step != nullptr) {
    trainer.on_step([call = given.on_step, user = given.user](const loom::TrainStep& step) {
      const loom_step told{sizeof(loom_step), step.step, step.loss, step.learning_rate, step.skipped ? 1 : 0};
      call(user, &told);
    });
  }
  if (given.on_evaluation != nullptr) {
    trainer.on_evaluation([call = given.on_evaluation, user = given.user](const loom::TrainEvaluation& evaluation) {
      const loom_evaluation told = to_c(evaluation);
      call(user, &told);
    });
  }
  if (given.on_checkpoint != nullptr) {
    trainer.on_checkpoint(
        [call = given.on_checkpoint, user = given.user](const std::string& path) { call(user, path.c_str()); });
  }
}

template <class Make>
loom_status make(const char* path, const loom_trainer_options* options, loom_trainer** trainer, const Make& start) {
  return guarded([&] {
    if (path == nullptr || trainer == nullptr) return bad_argument(kNull);
    loom_trainer_options given{};
    if (!loom::c::read_options(options, LOOM_TRAINER_OPTIONS_INIT, given)) return bad_argument("options have no size");
    loom::Trainer made = start(given);
    connect(made, given);
    *trainer = new loom_trainer{std::move(made)};
    return LOOM_OK;
  });
}

}  // namespace

loom_status loom_trainer_create(const char* graph, const loom_trainer_options* options, loom_trainer** trainer) {
  return make(graph, options, trainer, [&](const loom_trainer_options& given) {
    loom::TrainerOptions wanted;
    wanted.out = loom::c::text_of(given.out);
    wanted.data = loom::c::text_of(given.data);
    if (given.steps > 0) wanted.steps = given.steps;
    if (given.batch > 0) wanted.batch = given.batch;
    if (given.has_seed != 0) wanted.seed = given.seed;
    wanted.threads = given.threads;
    wanted.notice = loom::c::notice_of(given.on_notice, given.user);
    wanted.overrides = loom::c::list_of(given.overrides, given.override_count);
    wanted.plugins = loom::c::list_of(given.plugins, given.plugin_count);
    return loom::Trainer(graph, wanted);
  });
}

loom_status loom_trainer_resume(const char* run, const loom_trainer_options* options, loom_trainer** trainer) {
  return make(run, options, trainer, [&](const loom_trainer_options& given) {
    loom::ResumeOptions wanted;
    if (given.steps > 0) wanted.steps = given.steps;
    wanted.threads = given.threads;
    wanted.notice = loom::c::notice_of(given.on_notice, given.user);
    wanted.plugins = loom::c::list_of(given.plugins, given.plugin_count);
    return loom::Trainer::resume(run, wanted);
  });
}

void loom_trainer_free(loom_trainer* trainer) { delete trainer; }

loom_status loom_trainer_train(loom_trainer* trainer, int64_t steps, loom_train_result* result) {
  return guarded([&] {
    if (trainer == nullptr) return bad_argument(kNull);
    const loom::TrainResult end = trainer->trainer.train(steps);
    if (result != nullptr) *result = static_cast<loom_train_result>(end);
    return LOOM_OK;
  });
}

void loom_trainer_stop(loom_trainer* trainer) {
  if (trainer != nullptr) trainer->trainer.stop();
}

int64_t loom_trainer_steps_done(const loom_trainer* trainer) {
  return trainer == nullptr ? 0 : trainer->trainer.steps_done();
}

loom_status loom_trainer_evaluate(loom_trainer* trainer, const char* split, int64_t limit,
                                  loom_evaluation* evaluation) {
  return guarded([&] {
    if (trainer == nullptr || split == nullptr || evaluation == nullptr) return bad_argument(kNull);
    const size_t size = evaluation->size;
    if (size < sizeof(size_t)) return bad_argument("evaluation has no size");
    loom_evaluation found = to_c(trainer->trainer.evaluate(split, limit));
    found.size = size;
    std::memcpy(evaluation, &found, size < sizeof(found) ? size : sizeof(found));
    return LOOM_OK;
  });
}

loom_status loom_trainer_finish(loom_trainer* trainer) {
  return guarded([&] {
    if (trainer == nullptr) return bad_argument(kNull);
    trainer->trainer.finish();
    return LOOM_OK;
  });
}
