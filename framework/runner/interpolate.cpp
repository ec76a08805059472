// graph-runner interpolate: from one item to another through the latent space, one row per pair
// (generate/walk.h).
#include <fmt/format.h>

#include "generate/latent.h"
#include "generate/walk.h"
#include "io/npy.h"
#include "report/pictures.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/draw_flags.h"
#include "runner/model_flags.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct InterpolateFlags : ModelFlags {
  std::string out, data, latent, split = "test";
  std::int64_t pairs = 4, steps = 9;
  bool spherical = false;
  DrawFlags draws;
};

int interpolate(const InterpolateFlags& request, bool json) {
  check_out("interpolate", request.out);
  const ModelSource model(request.model, request.model_options());
  Executor executor(request.threads);
  LatentSpace space(model, executor, request.latent, request.draws.seed, request.draws.options());
  space.open_data(model.data(request.data), request.split);
  if (2 * request.pairs > space.items())
    throw usage_error("interpolate", fmt::format("--pairs {}: the data has {} items", request.pairs, space.items()));
  std::vector<float> latents;
  for (std::int64_t pair = 0; pair < request.pairs; ++pair) {
    // Spread over the data, since neighbouring items are often similar.
    const auto item = [&](std::int64_t place) { return place * space.items() / (2 * request.pairs); };
    add_interpolation(space.mean(item(pair)), space.mean(item(pair + request.pairs)), request.steps, request.spherical,
                      latents);
  }
  const Tensor shown = space.decode(latents, std::nullopt);
  if (is_table(request.out))
    write_csv(request.out, {described(model, "", shown)});
  else if (is_array(request.out))
    write_array(request.out, shown);
  else
    write_picture(request.out, report::samples_png(model, shown, request.steps), shown.shape());
  say_written(json, request.out, shown.shape(),
              fmt::format("{} pairs of items of the split '{}', {} steps from one to the other, in {}", request.pairs,
                          request.split, request.steps, request.out),
              {{"split", request.split}, {"pairs", request.pairs}, {"steps", request.steps}});
  return kOk;
}

void add_interpolate(CLI::App& app, Invocation& invocation) {
  Verb verb =
      add_verb(app, invocation, "interpolate", "Interpolate between items in the latent space, one row per pair",
               "graph-runner interpolate runs/first --pairs 4 --out interpolation.png");
  auto request = std::make_shared<InterpolateFlags>();
  add_model(verb, *request);
  verb.option("--out", request->out, "a .png picture, a .npy array or a .csv table; -: an array on stdout").required();
  verb.option("--pairs", request->pairs, "pairs of items, spread over the split").at_least(1).shows_default();
  verb.option("--steps", request->steps, "pictures per row, including both ends").at_least(2).shows_default();
  verb.flag("--spherical", request->spherical, "interpolate along the arc instead of the straight line");
  verb.option("--latent", request->latent, "the divergence of the latent variable, if there are several");
  verb.data_flags(request->data, request->split);
  add_draw_flags(verb, request->draws);
  add_model_flags(verb, *request);
  verb.json_flag();
  verb.action([&invocation, request] { return interpolate(*request, invocation.json); });
}
LOOM_VERB(90, add_interpolate)

}  // namespace

}  // namespace loom::runner
