#include "runner/draw_flags.h"

namespace loom::runner {

DrawOptions DrawFlags::options() const {
  DrawOptions draws;
  draws.likelihood = likelihood;
  std::map<std::string, OptionValue>& given = draws.options;
  if (temperature) given.emplace("temperature", *temperature);
  if (top_p) given.emplace("top_p", *top_p);
  if (top_k) given.emplace("top_k", *top_k);
  if (only_class) given.emplace("class", *only_class);
  return draws;
}

void add_draw_flags(Verb& verb, DrawFlags& flags) {
  verb.option("--temperature", flags.temperature,
              "temperature of categorical draws; 0: the most probable code, below 1: less varied")
      .between(0, false, kNoLimit);
  verb.option("--top-k", flags.top_k, "draw among the k most probable codes; 0: all").at_least(0);
  verb.option("--top-p", flags.top_p, "draw among the most probable codes that together have this probability")
      .between(0, true, 1);
  verb.option("--class", flags.only_class, "draw only this class, if the model is conditioned on a class").at_least(0);
  verb.option("--likelihood", flags.likelihood,
              "what is shown of the likelihood: mean or draw; default: as the graph says, else the mean (of codes: a "
              "draw)")
      .one_of({"mean", "draw"});
  verb.option("--seed", flags.seed, "seed of the draws").shows_default();
}

}  // namespace loom::runner
