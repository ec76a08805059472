/* The same from C:  embed-c GRAPH.yaml NEW-FOLDER */
#include <loom/loom.h>
#include <stdio.h>
#include <stdlib.h>

static void check(loom_status status) {
  if (status == LOOM_OK) return;
  fprintf(stderr, "%s %s\n", loom_last_error().code, loom_last_error().text);
  exit(1);
}

static void on_step(void* user, const loom_step* step) {
  ++*(int*)user;
  if (step->step % 25 == 0) printf("step %lld: loss %.3f nats\n", (long long)step->step, step->loss);
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  int steps = 0;
  loom_trainer_options options = LOOM_TRAINER_OPTIONS_INIT;
  options.out = arguments[2];
  options.steps = 100;
  options.batch = 16;
  options.user = &steps;
  options.on_step = on_step;
  loom_trainer* trainer = NULL;
  check(loom_trainer_create(arguments[1], &options, &trainer));
  check(loom_trainer_train(trainer, 0, NULL));
  loom_trainer_free(trainer);

  loom_model* model = NULL;
  loom_tensor drawn, picture, codes;
  check(loom_model_open(arguments[2], NULL, &model));
  check(loom_model_sample(model, 4, 7, &drawn));
  check(loom_model_port(model, NULL, 1, &picture)); /* the shape of one */
  picture.data = calloc((size_t)loom_tensor_count(&picture), sizeof(float));
  check(loom_model_encode(model, &picture, 1, &codes));
  printf("%d steps, %lld values drawn, %lld codes\n", steps, (long long)loom_tensor_count(&drawn),
         (long long)loom_tensor_count(&codes));
  free(picture.data);
  loom_tensor_free(&drawn);
  loom_tensor_free(&codes);
  loom_model_free(model);
  return 0;
}
