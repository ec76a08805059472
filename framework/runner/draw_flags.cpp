#include "runner/draw_flags.h"

#include <algorithm>

#include "document/iteration_section.h"

namespace loom::runner {
namespace {

// What the keys of `iterate` accept and mean, in the words of their declaration.
const OptionDeclaration& declared(const std::string& key) {
  return *std::ranges::find(iteration_section().contract().options(), key, &OptionDeclaration::name);
}

std::string sampler_help(const std::string& key) {
  return "of an entry that iterates, in place of what it says: " + declared(key).doc;
}

}  // namespace

DrawOptions DrawFlags::options() const {
  DrawOptions draws;
  draws.likelihood = likelihood;
  std::map<std::string, OptionValue>& given = draws.options;
  if (temperature) given.emplace("temperature", *temperature);
  if (top_p) given.emplace("top_p", *top_p);
  if (top_k) given.emplace("top_k", *top_k);
  if (only_class) given.emplace("class", *only_class);
  if (choice_temperature) given.emplace("choice_temperature", *choice_temperature);
  if (steps) draws.iterate.emplace("steps", *steps);
  if (!solver.empty()) draws.iterate.emplace("solver", solver);
  if (guidance) draws.iterate.emplace("guidance", *guidance);
  return draws;
}

void add_sampler_flags(Verb& verb, DrawFlags& flags) {
  verb.option("--steps", flags.steps, sampler_help("steps")).at_least(1);
  verb.option("--solver", flags.solver, sampler_help("solver")).one_of(declared("solver").constraint.choices);
  verb.option("--guidance", flags.guidance, sampler_help("guidance"));
  verb.option("--choice-temperature", flags.choice_temperature,
              "of masked codes: how random the choice of the positions that are kept is at first; 0: not at all")
      .between(0, false, kNoLimit);
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
