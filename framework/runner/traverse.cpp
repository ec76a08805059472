// graph-runner traverse: shows the effect of each latent dimension, one row per dimension.
#include <fmt/format.h>

#include <numeric>

#include "generate/latent.h"
#include "generate/walk.h"
#include "io/npy.h"
#include "report/pictures.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/draw_flags.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kMostRows = 32;  // if no dimensions are named

struct Request {
  std::vector<std::string> plugins;
  std::string model, out, weights, data, dimensions, latent, split = "test";
  double range = 3;
  std::int64_t steps = 9;
  std::optional<std::int64_t> item;
  int threads = 0;
  bool newest = false;
  DrawFlags draws;
};

std::vector<std::int64_t> dimensions_of(const Request& request, std::int64_t all) {
  if (request.dimensions.empty()) {
    std::vector<std::int64_t> first(static_cast<std::size_t>(std::min(all, kMostRows)));
    std::iota(first.begin(), first.end(), 0);
    return first;
  }
  std::vector<std::int64_t> chosen = indices_of("traverse", "--dimensions", request.dimensions);
  for (const std::int64_t dimension : chosen) {
    if (dimension >= all)
      throw usage_error(
          "traverse", fmt::format("--dimensions: {} of {} latent dimensions; dimensions count from 0", dimension, all));
  }
  return chosen;
}

int traverse(const Request& request, bool json) {
  check_out("traverse", request.out);
  const ModelSource model(
      request.model,
      {.weights = request.weights, .newest = request.newest, .plugins = request.plugins, .notice = say_line});
  Executor executor(request.threads);
  LatentSpace space(model, executor, request.latent, request.draws.seed, request.draws.options());
  const std::int64_t width = space.posterior().dimensions;
  const std::vector<std::int64_t> dimensions = dimensions_of(request, width);
  std::vector<float> centre(static_cast<std::size_t>(space.values()), 0.0F);
  if (request.item) {
    space.open_data(model.data(request.data), request.split);
    centre = space.mean(*request.item);
  }
  const std::vector<float> latents = traversal(centre, width, dimensions, request.range, request.steps);
  const Tensor shown = space.decode(latents, request.item);
  if (is_table(request.out))
    write_csv(request.out, {described(model, "", shown)});
  else if (is_array(request.out))
    write_array(request.out, shown);
  else
    write_picture(request.out, report::samples_png(model, shown, request.steps), shown.shape());
  say_written(json, request.out, shown.shape(),
              fmt::format("{} latent dimensions of '{}' from {} to {}, one row each, around {}, in {}",
                          dimensions.size(), space.posterior().name, -request.range, request.range,
                          request.item ? fmt::format("item {}", *request.item) : "0", request.out),
              {{"latent", space.posterior().name}, {"dimensions", dimensions}, {"range", request.range}});
  return kOk;
}

void add_traverse(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "traverse", "Show the effect of each latent dimension, one row per dimension",
                            "graph-runner traverse runs/first --dimensions 0,3,7 --item 12 --out traversal.png");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->model, "the folder of a run, or a graph file")->required();
  verb->add_option("--out", request->out, "a .png picture, a .npy array or a .csv table; -: an array on stdout")
      ->required();
  verb->add_option("--dimensions", request->dimensions,
                   "the dimensions, as in 0,3,7, counted from 0; default: all, up to 32");
  verb->add_option("--range", request->range, "values from -RANGE to RANGE: standard deviations of N(0, I)")
      ->capture_default_str();
  verb->add_option("--steps", request->steps, "pictures per row")->check(at_least(1))->capture_default_str();
  verb->add_option("--item", request->item,
                   "centre: the posterior mean of this item, counted from 0; default: 0, the mean of the prior")
      ->check(at_least(0));
  verb->add_option("--latent", request->latent, "the divergence of the latent variable, if there are several");
  verb->add_option("--data", request->data, "data instead of the run's: TYPE:PATH,key=value,...");
  verb->add_option("--split", request->split, "split of the data")->capture_default_str();
  add_draw_flags(verb, request->draws);
  verb->add_option("--weights", request->weights, "a safetensors file instead of the run's best checkpoint");
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint instead of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one per core")
      ->check(at_least(0))
      ->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return traverse(*request, invocation.json); };
  });
}
LOOM_VERB(80, add_traverse)

}  // namespace

}  // namespace loom::runner
