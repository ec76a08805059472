/* Latentloom for programs in C, and in whatever calls C: models (loom/model.h) and trainings (loom/trainer.h).
 *
 * Every function returns a status: LOOM_OK, or why it failed; loom_last_error() of the same thread says more, until the
 * next call of that thread. No exception crosses. Results are written through the last pointers, if all is well.
 *
 * Structs of options begin with their size, so that a program still works with a library that has more options:
 * make one with its LOOM_..._INIT, set what is wanted; text that is NULL and numbers that are 0 stand for the default.
 *
 * Ownership: loom_model, loom_trainer and the values of a loom_tensor belong to the caller, who frees them with the
 * functions below; NULL is ignored there. What is given to a function is only read, and not kept after it returns,
 * the functions to be called and their `user` apart.
 * Thread safety: as in C++. Calls on one model may come from several threads and wait for each other; a trainer is used
 * by one thread, loom_trainer_stop() apart.
 */
#ifndef LOOM_LOOM_H
#define LOOM_LOOM_H

#include <stddef.h>
#include <stdint.h>

#define LOOM_C_API_VERSION 1 /* of this header; rises when something is added, and nothing is ever taken away */
#define LOOM_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef enum loom_status {
  LOOM_OK = 0,
  LOOM_ERROR = 1, /* an error of the library, with a code: loom_last_error() */
  LOOM_OUT_OF_MEMORY = 2,
  LOOM_BAD_ARGUMENT = 3, /* NULL where it must not be, a struct of no known size, an unknown dtype */
  LOOM_INTERNAL = 4      /* a defect of the library */
} loom_status;

typedef struct loom_error {
  loom_status status;
  const char* code; /* "E203"; "" where the status says all. docs/errors.md explains each */
  const char* text; /* every finding, with file, line and column */
} loom_error;

LOOM_API int32_t loom_api_version(void);   /* LOOM_C_API_VERSION of the library */
LOOM_API loom_error loom_last_error(void); /* of this thread; its texts live until this thread's next call */

typedef enum loom_dtype { LOOM_F32 = 0, LOOM_I32 = 1, LOOM_U8 = 2 } loom_dtype;

#define LOOM_MAX_RANK 8

/* A dense array, row-major, samples first, channels last. */
typedef struct loom_tensor {
  loom_dtype dtype;
  int32_t rank;
  int64_t shape[LOOM_MAX_RANK];
  void* data; /* a result's is freed by loom_tensor_free() */
} loom_tensor;

LOOM_API int64_t loom_tensor_count(const loom_tensor* tensor); /* values */
LOOM_API void loom_tensor_free(loom_tensor* tensor);           /* of a result; leaves it empty */

/* A value for a port, by name. */
typedef struct loom_feed {
  const char* name;
  loom_tensor values;
} loom_feed;

/* ---- models ---- */

typedef struct loom_model loom_model;

typedef struct loom_model_options {
  size_t size;
  const char* weights; /* a safetensors file in place of a run's checkpoint */
  int32_t newest;      /* not 0: a run's newest checkpoint in place of its best */
  int32_t threads;     /* 0: one per core */
  int32_t has_seed;    /* not 0: initial values, where nothing gives weights, are drawn from `seed` */
  uint64_t seed;
  const char* const* overrides; /* "path=value", of a graph file */
  size_t override_count;
  const char* const* plugins;
  size_t plugin_count;
  /* Told what is worth knowing and no error, with `user`, on the thread that calls; may be NULL. */
  void* user;
  void (*on_notice)(void* user, const char* text);
} loom_model_options;
#define LOOM_MODEL_OPTIONS_INIT \
  { sizeof(loom_model_options), NULL, 0, 0, 0, 0, NULL, 0, NULL, 0, NULL, NULL }

/* `path`: the folder of a run, or a graph file. `options` may be NULL. */
LOOM_API loom_status loom_model_open(const char* path, const loom_model_options* options, loom_model** model);
LOOM_API void loom_model_free(loom_model* model);

/* What a port holds for so many samples: dtype and shape, without values. `name` NULL: the first input. */
LOOM_API loom_status loom_model_port(loom_model* model, const char* name, int64_t samples, loom_tensor* description);

/* As the functions of loom::Model of the same names; results belong to the caller. */
LOOM_API loom_status loom_model_encode(loom_model* model, const loom_tensor* x, uint64_t seed, loom_tensor* codes);
LOOM_API loom_status loom_model_decode(loom_model* model, const loom_tensor* latents, uint64_t seed,
                                       loom_tensor* values);
LOOM_API loom_status loom_model_reconstruct(loom_model* model, const loom_tensor* x, uint64_t seed,
                                            loom_tensor* values);
LOOM_API loom_status loom_model_sample(loom_model* model, int64_t count, uint64_t seed, loom_tensor* samples);
/* `dimensions` count from 0; none: all of them. From -range to range in so many steps, the rest 0. */
LOOM_API loom_status loom_model_traverse(loom_model* model, const int64_t* dimensions, size_t dimension_count,
                                         double range, int64_t steps, uint64_t seed, loom_tensor* values);
/* From latents to latents; `spherical` not 0: along the arc. */
LOOM_API loom_status loom_model_interpolate(loom_model* model, const loom_tensor* from, const loom_tensor* to,
                                            int64_t steps, int32_t spherical, uint64_t seed, loom_tensor* values);
/* `densities`: room for as many values as x has samples; nats. */
LOOM_API loom_status loom_model_log_density(loom_model* model, const loom_tensor* x, int64_t draws, uint64_t seed,
                                            double* densities);
/* `results`: room for fetch_count tensors. */
LOOM_API loom_status loom_model_run(loom_model* model, const loom_feed* feeds, size_t feed_count,
                                    const char* const* fetch, size_t fetch_count, uint64_t seed, loom_tensor* results);

/* ---- trainings ---- */

typedef struct loom_trainer loom_trainer;

typedef struct loom_step {
  size_t size;
  int64_t step; /* finished steps */
  double loss;  /* nats per sample */
  double learning_rate;
  int32_t skipped;
} loom_step;

typedef struct loom_evaluation {
  size_t size;
  int64_t step, samples;
  double loss;
  double negative_elbo; /* NaN where the losses make no bound */
  double bits_per_dim;  /* NaN where it is not defined */
  int32_t best;         /* the best so far */
} loom_evaluation;

typedef struct loom_trainer_options {
  size_t size;
  const char* out;  /* the folder of the run; NULL: none is written */
  const char* data; /* TYPE:PATH,key=value in place of the document's */
  int64_t steps;    /* in all; 0: the document's */
  int64_t batch;    /* 0: the document's */
  int32_t has_seed; /* not 0: `seed` replaces the document's */
  int32_t threads;  /* 0: one per core */
  uint64_t seed;
  const char* const* overrides; /* "path=value" */
  size_t override_count;
  const char* const* plugins;
  size_t plugin_count;
  /* Called from loom_trainer_train(), on its thread, with `user`; each may be NULL. */
  void* user;
  void (*on_step)(void* user, const loom_step* step);
  void (*on_evaluation)(void* user, const loom_evaluation* evaluation);
  void (*on_checkpoint)(void* user, const char* path);
  void (*on_notice)(void* user, const char* text); /* what is worth knowing and no error; also from other calls */
} loom_trainer_options;
#define LOOM_TRAINER_OPTIONS_INIT \
  { sizeof(loom_trainer_options), NULL, NULL, 0, 0, 0, 0, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL }

typedef enum loom_train_result {
  LOOM_COMPLETED = 0, /* every step is done */
  LOOM_PAUSED = 1,    /* the steps of this call are done */
  LOOM_STOPPED = 2,
  LOOM_EARLY = 3 /* no more improvement */
} loom_train_result;

/* Of a graph file, or with resume of a run's folder, which takes steps, threads, plugins and functions. */
LOOM_API loom_status loom_trainer_create(const char* graph, const loom_trainer_options* options,
                                         loom_trainer** trainer);
LOOM_API loom_status loom_trainer_resume(const char* run, const loom_trainer_options* options, loom_trainer** trainer);
LOOM_API void loom_trainer_free(loom_trainer* trainer);

/* steps 0: to the last one. `result` may be NULL. */
LOOM_API loom_status loom_trainer_train(loom_trainer* trainer, int64_t steps, loom_train_result* result);
/* Ends the training that runs after its step, else the next one; from any thread, and from the functions. */
LOOM_API void loom_trainer_stop(loom_trainer* trainer);
LOOM_API int64_t loom_trainer_steps_done(const loom_trainer* trainer);
/* limit 0: every sample. evaluation->size is set by the caller. */
LOOM_API loom_status loom_trainer_evaluate(loom_trainer* trainer, const char* split, int64_t limit,
                                           loom_evaluation* evaluation);
LOOM_API loom_status loom_trainer_finish(loom_trainer* trainer); /* pictures and the report, into the run's folder */

#ifdef __cplusplus
}
#endif
#endif
