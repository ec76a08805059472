// graph-runner traverse: shows the effect of each latent dimension, one row per dimension.
#include <fmt/format.h>

#include <span>

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

constexpr std::int64_t kMostRows = 32;  // if no dimensions are named
constexpr std::int64_t kRatedItems = 1000;

struct TraverseFlags : ModelFlags {
  std::string out, data, dimensions, latent, split = "test";
  double range = 3;
  std::int64_t steps = 9;
  std::optional<std::int64_t> item;
  DrawFlags draws;
};

// Those that are named, or the most informative ones.
std::vector<std::int64_t> dimensions_of(const TraverseFlags& request, std::span<const double> rates, std::int64_t all) {
  if (request.dimensions.empty()) return dimensions_by_rate(rates, all, kMostRows);
  std::vector<std::int64_t> chosen = indices_of("traverse", "--dimensions", request.dimensions);
  for (const std::int64_t dimension : chosen) {
    if (dimension >= all)
      throw usage_error(
          "traverse", fmt::format("--dimensions: {} of {} latent dimensions; dimensions count from 0", dimension, all));
  }
  return chosen;
}

// The data are needed for an item and, if they are there, for the rates. A traversal does without rates.
std::vector<double> open_rates(const TraverseFlags& request, const ModelSource& model, LatentSpace& space) {
  if (request.item) {
    space.open_data(model.data(request.data), request.split);
    return space.rates(kRatedItems);
  }
  try {
    space.open_data(model.data(request.data), request.split);
    return space.rates(kRatedItems);
  } catch (const Error& problem) {
    model.notice(fmt::format("the rates of the dimensions are not known: {}", problem.what()));
    return {};
  }
}

// "3 (2.41 nats), 0 (1.20 nats)", in the order of the rows.
std::string rows_text(std::span<const std::int64_t> dimensions, std::span<const double> rates) {
  std::vector<std::string> rows;
  for (const std::int64_t dimension : dimensions)
    rows.push_back(rates.empty()
                       ? fmt::format("{}", dimension)
                       : fmt::format("{} ({:.2f} nats)", dimension, rates[static_cast<std::size_t>(dimension)]));
  return fmt::format("{}", fmt::join(rows, ", "));
}

int traverse(const TraverseFlags& request, bool json) {
  check_out("traverse", request.out);
  const ModelSource model(request.model, request.model_options());
  Executor executor(request.threads);
  LatentSpace space(model, executor, request.latent, request.draws.seed, request.draws.options());
  const std::vector<double> rates = open_rates(request, model, space);
  const std::vector<std::int64_t> dimensions = dimensions_of(request, rates, space.posterior().dimensions);
  std::vector<float> centre(static_cast<std::size_t>(space.values()), 0.0F);
  if (request.item) centre = space.mean(*request.item);
  const std::vector<float> latents =
      traversal(centre, space.posterior().dimensions, dimensions, request.range, request.steps);
  const Tensor shown = space.decode(latents, request.item);
  if (is_table(request.out))
    write_csv(request.out, {described(model, "", shown)});
  else if (is_array(request.out))
    write_array(request.out, shown);
  else
    write_picture(request.out, report::samples_png(model, shown, request.steps), shown.shape());
  nlohmann::ordered_json rate_list = nlohmann::ordered_json::array();
  for (const std::int64_t dimension : dimensions)
    rate_list.push_back(rates.empty() ? nlohmann::ordered_json()
                                      : json_number(rates[static_cast<std::size_t>(dimension)]));
  say_written(json, request.out, shown.shape(),
              fmt::format("latent dimensions of '{}' from {} to {} around {}, one row each, in {}\nrows: {}",
                          space.posterior().name, -request.range, request.range,
                          request.item ? fmt::format("item {}", *request.item) : "0", request.out,
                          rows_text(dimensions, rates)),
              {{"latent", space.posterior().name},
               {"dimensions", dimensions},
               {"rates", std::move(rate_list)},
               {"range", request.range}});
  return kOk;
}

void add_traverse(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "traverse", "Show the effect of each latent dimension, one row per dimension",
                       "graph-runner traverse runs/first --dimensions 0,3,7 --item 12 --out traversal.png");
  auto request = std::make_shared<TraverseFlags>();
  add_model(verb, *request);
  verb.option("--out", request->out, "a .png picture, a .npy array or a .csv table; -: an array on stdout").required();
  verb.option("--dimensions", request->dimensions,
              "the dimensions, as in 0,3,7, counted from 0; default: all by falling rate, up to 32");
  verb.option("--range", request->range, "values from -RANGE to RANGE: standard deviations of N(0, I)").shows_default();
  verb.option("--steps", request->steps, "pictures per row").at_least(1).shows_default();
  verb.option("--item", request->item,
              "centre: the posterior mean of this item, counted from 0; default: 0, the mean of the prior")
      .at_least(0);
  verb.option("--latent", request->latent, "the divergence of the latent variable, if there are several");
  verb.data_flags(request->data, request->split);
  add_draw_flags(verb, request->draws);
  add_model_flags(verb, *request);
  verb.json_flag();
  verb.action([&invocation, request] { return traverse(*request, invocation.json); });
}
LOOM_VERB(80, add_traverse)

}  // namespace

}  // namespace loom::runner
