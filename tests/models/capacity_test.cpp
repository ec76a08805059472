// graphs/beta-vae-capacity.yaml in a small form: the divergence follows the capacity and ends at it.
#include <cmath>

#include "models/small_session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr int kSteps = 1000;

double final_divergence(double capacity) {
  const auto session =
      small_session("beta-vae-capacity.yaml",
                    {fmt::format("vars.capacity={}", capacity), "losses.kl.capacity_steps=600", "train.batch=16",
                     fmt::format("train.steps={}", kSteps), "train.eval_every=0", "data.count=4000",
                     "nodes.encoder.vars={filters: 8, hidden: 32}", "nodes.decoder.vars={filters: 8, hidden: 32}"});
  session->train();
  for (const auto& [name, value] : session->evaluate({.limit = 400}).terms()) {
    if (name == "kl.kl") return value;
  }
  BOOST_FAIL("the evaluation does not report the divergence itself");
  return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(capacity)

BOOST_AUTO_TEST_CASE(the_divergence_ends_at_the_capacity) {
  for (const double capacity : {3.0, 8.0}) {
    const double divergence = final_divergence(capacity);
    BOOST_TEST_MESSAGE(fmt::format("capacity {} nats: the divergence ends at {:.3f}", capacity, divergence));
    BOOST_TEST(std::abs(divergence - capacity) < 0.5);
  }
}

BOOST_AUTO_TEST_SUITE_END()
