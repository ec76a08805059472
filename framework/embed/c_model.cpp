// The C functions over loom::Model.
#include <algorithm>

#include "embed/c_guard.h"
#include "loom/model.h"

using loom::c::bad_argument;
using loom::c::guarded;
using loom::c::kNull;
using loom::c::view_of;

struct loom_model {
  loom::Model model;
};

namespace {

constexpr const char* kTensor = "a tensor has no values, or no valid dtype or shape";

// Converts values.
template <class Call>
loom_status transform(loom_model* model, const loom_tensor* given, loom_tensor* result, const Call& call) {
  return guarded([&] {
    if (model == nullptr || result == nullptr) return bad_argument(kNull);
    loom::TensorView view;
    if (!view_of(given, view)) return bad_argument(kTensor);
    *result = loom::c::to_c(call(model->model, view));
    return LOOM_OK;
  });
}

}  // namespace

loom_status loom_model_open(const char* path, const loom_model_options* options, loom_model** model) {
  return guarded([&] {
    if (path == nullptr || model == nullptr) return bad_argument(kNull);
    loom_model_options given{};
    if (!loom::c::read_options(options, LOOM_MODEL_OPTIONS_INIT, given)) return bad_argument("options have no size");
    loom::ModelOptions wanted;
    wanted.weights = loom::c::text_of(given.weights);
    wanted.newest = given.newest != 0;
    wanted.threads = given.threads;
    if (given.has_seed != 0) wanted.seed = given.seed;
    wanted.overrides = loom::c::list_of(given.overrides, given.override_count);
    wanted.notice = loom::c::notice_of(given.on_notice, given.user);
    wanted.plugins = loom::c::list_of(given.plugins, given.plugin_count);
    *model = new loom_model{loom::Model(path, wanted)};
    return LOOM_OK;
  });
}

void loom_model_free(loom_model* model) { delete model; }

loom_status loom_model_port(loom_model* model, const char* name, int64_t samples, loom_tensor* description) {
  return guarded([&] {
    if (model == nullptr || description == nullptr) return bad_argument(kNull);
    if (samples < 1) return bad_argument("the number of samples must be at least 1");
    const loom::PortDescription port = name == nullptr ? model->model.input() : model->model.port(name);
    *description = loom::c::describe(port.dtype, port.shape.at_batch(samples));
    return LOOM_OK;
  });
}

loom_status loom_model_encode(loom_model* model, const loom_tensor* x, uint64_t seed, loom_tensor* codes) {
  return transform(model, x, codes, [&](const loom::Model& own, const loom::TensorView& view) {
    return own.encode(view, {.seed = seed});
  });
}

loom_status loom_model_decode(loom_model* model, const loom_tensor* latents, uint64_t seed, loom_tensor* values) {
  return transform(model, latents, values, [&](const loom::Model& own, const loom::TensorView& view) {
    return own.decode(view, {.seed = seed});
  });
}

loom_status loom_model_reconstruct(loom_model* model, const loom_tensor* x, uint64_t seed, loom_tensor* values) {
  return transform(model, x, values, [&](const loom::Model& own, const loom::TensorView& view) {
    return own.reconstruct(view, {.seed = seed});
  });
}

loom_status loom_model_sample(loom_model* model, int64_t count, uint64_t seed, loom_tensor* samples) {
  return guarded([&] {
    if (model == nullptr || samples == nullptr) return bad_argument(kNull);
    *samples = loom::c::to_c(model->model.sample(count, {.seed = seed}));
    return LOOM_OK;
  });
}

loom_status loom_model_traverse(loom_model* model, const int64_t* dimensions, size_t dimension_count, double range,
                                int64_t steps, uint64_t seed, loom_tensor* values) {
  return guarded([&] {
    if (model == nullptr || values == nullptr || (dimensions == nullptr && dimension_count > 0))
      return bad_argument(kNull);
    loom::TraverseOptions options{.range = range, .steps = steps, .seed = seed};
    options.dimensions.assign(dimensions, dimensions + dimension_count);
    *values = loom::c::to_c(model->model.traverse(options));
    return LOOM_OK;
  });
}

loom_status loom_model_interpolate(loom_model* model, const loom_tensor* from, const loom_tensor* to, int64_t steps,
                                   int32_t spherical, uint64_t seed, loom_tensor* values) {
  return guarded([&] {
    if (model == nullptr || values == nullptr) return bad_argument(kNull);
    loom::TensorView first, last;
    if (!view_of(from, first) || !view_of(to, last)) return bad_argument(kTensor);
    const loom::InterpolateOptions options{.steps = steps, .spherical = spherical != 0, .seed = seed};
    *values = loom::c::to_c(model->model.interpolate(first, last, options));
    return LOOM_OK;
  });
}

loom_status loom_model_log_density(loom_model* model, const loom_tensor* x, int64_t draws, uint64_t seed,
                                   double* densities) {
  return guarded([&] {
    if (model == nullptr || densities == nullptr) return bad_argument(kNull);
    loom::TensorView view;
    if (!view_of(x, view)) return bad_argument(kTensor);
    const std::vector<double> found = model->model.log_density(view, {.draws = draws, .seed = seed});
    std::ranges::copy(found, densities);
    return LOOM_OK;
  });
}

loom_status loom_model_run(loom_model* model, const loom_feed* feeds, size_t feed_count, const char* const* fetch,
                           size_t fetch_count, uint64_t seed, loom_tensor* results) {
  return guarded([&] {
    if (model == nullptr || results == nullptr || fetch == nullptr || (feeds == nullptr && feed_count > 0))
      return bad_argument(kNull);
    loom::Feeds values;
    for (size_t i = 0; i < feed_count; ++i) {
      loom::TensorView view;
      if (!view_of(&feeds[i].values, view)) return bad_argument(kTensor);
      values.emplace_back(loom::c::text_of(feeds[i].name), view);
    }
    const auto found = model->model.run(values, loom::c::list_of(fetch, fetch_count), {.seed = seed});
    std::vector<loom_tensor> copies;
    try {
      for (const loom::Tensor& tensor : found) copies.push_back(loom::c::to_c(tensor));
    } catch (...) {
      for (loom_tensor& copy : copies) loom_tensor_free(&copy);
      throw;
    }
    std::ranges::copy(copies, results);
    return LOOM_OK;
  });
}
