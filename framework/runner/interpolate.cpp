// graph-runner interpolate: from one item to another through the latent space, one row a pair.
//   linear:    z(t) = (1 - t) a + t b
//   spherical: z(t) = (sin((1 - t) w) a + sin(t w) b) / sin w, w the angle between a and b; Shoemake 1985
#include <fmt/format.h>

#include <cmath>

#include "runner/console.h"
#include "runner/generate.h"
#include "runner/latent.h"
#include "runner/npy.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct Request {
  std::vector<std::string> plugins;
  std::string model, out, weights, data, latent, split = "test";
  std::int64_t pairs = 4, steps = 9;
  std::uint64_t seed = 1;
  int threads = 0;
  bool spherical = false, newest = false;
};

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// The shares of a and b at t. Linear where the angle says nothing: equal, opposite or no directions.
std::pair<double, double> shares(const std::vector<float>& a, const std::vector<float>& b, double t, bool spherical) {
  const double lengths = std::sqrt(dot(a, a) * dot(b, b));
  if (!spherical || lengths == 0) return {1 - t, t};
  const double angle = std::acos(std::clamp(dot(a, b) / lengths, -1.0, 1.0)), sine = std::sin(angle);
  if (sine < 1e-6) return {1 - t, t};
  return {std::sin((1 - t) * angle) / sine, std::sin(t * angle) / sine};
}

int interpolate(const Request& request) {
  check_out("interpolate", request.out);
  const Model model(
      request.model,
      {.overrides = {}, .weights = request.weights, .newest = request.newest, .plugins = request.plugins});
  Executor executor(request.threads);
  LatentSpace space(model, executor, request.latent, request.seed);
  space.open_data(model.data(request.data), request.split);
  if (2 * request.pairs > space.items())
    throw usage_error("interpolate", fmt::format("--pairs {}: the data has {} items", request.pairs, space.items()));
  std::vector<float> latents;
  for (std::int64_t pair = 0; pair < request.pairs; ++pair) {
    // Spread over the data, since neighbours there are often alike.
    const auto item = [&](std::int64_t place) { return place * space.items() / (2 * request.pairs); };
    const std::vector<float> from = space.mean(item(pair)), to = space.mean(item(pair + request.pairs));
    for (std::int64_t step = 0; step < request.steps; ++step) {
      const double t = static_cast<double>(step) / static_cast<double>(request.steps - 1);
      const auto [a, b] = shares(from, to, t, request.spherical);
      for (std::size_t i = 0; i < from.size(); ++i)
        latents.push_back(static_cast<float>(a * static_cast<double>(from[i]) + b * static_cast<double>(to[i])));
    }
  }
  const Tensor shown = space.decode(latents, std::nullopt);
  if (is_array(request.out))
    write_npy(request.out, shown);
  else
    write_picture(request.out, samples_png(model, shown, request.steps), shown.shape());
  print("{} pairs of items of the split '{}', {} steps from one to the other, in {}\n", request.pairs, request.split,
        request.steps, request.out);
  return kOk;
}

}  // namespace

void add_interpolate(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "interpolate", "Go from item to item through the latent space, one row a pair",
                            "graph-runner interpolate runs/first --pairs 4 --out interpolation.png");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->model, "the folder of a run, or a graph file")->required();
  verb->add_option("--out", request->out, "a .png picture or a .npy array")->required();
  verb->add_option("--pairs", request->pairs, "pairs of items, spread over the split")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--steps", request->steps, "pictures of a row, both ends included")
      ->check(at_least(2))
      ->capture_default_str();
  verb->add_flag("--spherical", request->spherical, "along the arc between the two, in place of the straight line");
  verb->add_option("--latent", request->latent, "the divergence of the latent variable, where there are several");
  verb->add_option("--data", request->data, "data in place of the run's: TYPE:PATH,key=value,...");
  verb->add_option("--split", request->split, "split of the data")->capture_default_str();
  verb->add_option("--seed", request->seed, "seed of what else the graph draws")->capture_default_str();
  verb->add_option("--weights", request->weights, "a safetensors file in place of the run's best checkpoint");
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint in place of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one a core")->check(at_least(0))->capture_default_str();
  add_plugins(verb, request->plugins);
  verb->callback([&invocation, request] { invocation.action = [request] { return interpolate(*request); }; });
}

}  // namespace loom::runner
