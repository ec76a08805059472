// What objectives do to parameters: conditions on the step's losses, and aggressive training of the encoder.
#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr const char* kGraph = R"(
version: 1
graph: small
data: {type: gaussian, features: 6}
nodes:
  x:    {type: input, shape: [6]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 6}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";

// Which of q.weight and mean.weight each of `steps` steps changes.
std::vector<std::pair<bool, bool>> changes(const std::string& more, int steps) {
  Session session(parse_document(kGraph + more, "small.yaml", "."), standard_registry(),
                  {.steps = 100, .batch = 16, .threads = 1});
  const auto snapshot = [&](const char* path) {
    ParameterStore& store = session.parameters();
    return store.at(store.find(path)).value.clone();
  };
  const auto differs = [](const Tensor& a, const Tensor& b) { return !std::ranges::equal(a.values(), b.values()); };
  std::vector<std::pair<bool, bool>> result;
  for (int i = 0; i < steps; ++i) {
    const Tensor encoder = snapshot("q.weight"), decoder = snapshot("mean.weight");
    session.step();
    result.emplace_back(differs(encoder, snapshot("q.weight")), differs(decoder, snapshot("mean.weight")));
  }
  return result;
}

using Changes = std::vector<std::pair<bool, bool>>;

std::string two_objectives(const std::string& of_encoder, const std::string& of_decoder) {
  return "objectives:\n  encoder: {losses: [reconstruction, kl], parameters: [q]" + of_encoder +
         "}\n  decoder: {losses: [reconstruction], parameters: [mean]" + of_decoder + "}\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(objectives)

BOOST_AUTO_TEST_CASE(an_objective_rests_while_its_condition_fails) {
  const Changes both(3, {true, true}), encoder(3, {true, false});
  BOOST_TEST((changes(two_objectives("", ""), 3) == both));
  BOOST_TEST((changes(two_objectives("", ", only_if: {kl: {above: 1.0e6}}"), 3) == encoder));
  BOOST_TEST((changes(two_objectives("", ", only_if: {kl.kl: {above: 0}}"), 3) == both));
}

BOOST_AUTO_TEST_CASE(where_all_would_rest_none_does) {
  const std::string never = ", only_if: {kl: {above: 1.0e6}}";
  BOOST_TEST((changes(two_objectives(never, never), 3) == Changes(3, {true, true})));
  BOOST_TEST((changes(two_objectives(never, ", only_if: {kl: {below: 1.0e6}}"), 3) == Changes(3, {false, true})));
}

BOOST_AUTO_TEST_CASE(every_and_until) {
  BOOST_TEST((changes(two_objectives("", ", every: 3"), 5) ==
              Changes{{true, true}, {true, false}, {true, false}, {true, true}, {true, false}}));
  BOOST_TEST((changes(two_objectives("", ", every: 3, until: 4"), 6) ==
              Changes{{true, true}, {true, false}, {true, false}, {true, true}, {true, true}, {true, true}}));
}

BOOST_AUTO_TEST_CASE(aggressive_training_of_the_encoder) {
  BOOST_TEST((changes("train: {encoder_steps: 3, encoder_until: 4}\n", 6) ==
              Changes{{true, true}, {true, false}, {true, false}, {true, true}, {true, true}, {true, true}}));
  Session session(parse_document(std::string(kGraph) + "train: {encoder_steps: 3}\n", "small.yaml", "."),
                  standard_registry());
  BOOST_TEST(session.plan().objectives.size() == 2);
  BOOST_TEST(session.plan().unreached.empty());
}

BOOST_AUTO_TEST_SUITE_END()
