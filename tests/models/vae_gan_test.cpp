// graphs/vae-gan.yaml: which loss trains what. The game does not reach the encoder, nor the reconstruction error the
// discriminator (Larsen et al. 2016, algorithm 1).
#include "models/small_session.h"

using namespace loom;
using namespace loom::check;

namespace {

std::vector<std::string> with(const std::vector<std::string>& more) {
  std::vector<std::string> overrides = {"vars.size=16",
                                        "vars.channels=1",
                                        "vars.latent=4",
                                        "vars.filters=2",
                                        "vars.hidden=8",
                                        "vars.features=2",
                                        "vars.discriminator_hidden=8",
                                        "data:sprites:size=16,count=200",
                                        "train.batch=8"};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

// Parameters by part, as they are after so many steps.
struct Trained {
  Values encoder, posterior, decoder, discriminator;
  Trained(const std::vector<std::string>& overrides, int steps) {
    const auto session = small_session("vae-gan.yaml", with(overrides));
    for (int i = 0; i < steps; ++i) BOOST_TEST(!session->step().skipped);
    encoder = parameters_of(*session, "encoder/");
    posterior = parameters_of(*session, "q.");
    decoder = parameters_of(*session, "decoder/");
    discriminator = parameters_of(*session, "discriminator/");
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(vae_gan)

BOOST_AUTO_TEST_CASE(the_encoders_update_is_the_same_whatever_the_game_weighs) {
  const Trained plain({}, 1), heavy({"losses.generator.weight=1000", "losses.game.weight=-7"}, 1);
  BOOST_TEST(differing(plain.encoder, heavy.encoder) == 0);
  BOOST_TEST(differing(plain.posterior, heavy.posterior) == 0);
  // The change is no small one: it moves the parts that play.
  BOOST_TEST(differing(plain.decoder, heavy.decoder) == static_cast<int>(plain.decoder.size()));
  BOOST_TEST(differing(plain.discriminator, heavy.discriminator) > 0);
}

BOOST_AUTO_TEST_CASE(the_game_alone_updates_no_parameter_of_the_encoder) {
  const std::vector<std::string> game_only = {"losses.kl.weight=0", "losses.reconstruction.weight=0"};
  const Trained before(game_only, 0), after(game_only, 5);
  BOOST_TEST(differing(before.encoder, after.encoder) == 0);
  BOOST_TEST(differing(before.posterior, after.posterior) == 0);
  BOOST_TEST(differing(before.decoder, after.decoder) > 0);
  BOOST_TEST(differing(before.discriminator, after.discriminator) > 0);
}

BOOST_AUTO_TEST_CASE(the_vae_alone_updates_no_parameter_of_the_discriminator) {
  const std::vector<std::string> vae_only = {"losses.generator.weight=0", "losses.game.weight=0"};
  const Trained before(vae_only, 0), after(vae_only, 5);
  BOOST_TEST(differing(before.discriminator, after.discriminator) == 0);
  BOOST_TEST(differing(before.decoder, after.decoder) > 0);
  BOOST_TEST(differing(before.encoder, after.encoder) > 0);
}

BOOST_AUTO_TEST_CASE(outside_of_the_equilibrium_the_stronger_player_rests) {
  // Bounds that the first step, where every logit is near 0 and the losses near ln 2, leaves on one side.
  const Trained start({}, 0);
  const Trained no_decoder({"objectives.decoder.only_if={game.real_loss: {below: 0.001}}"}, 1);
  BOOST_TEST(differing(start.decoder, no_decoder.decoder) == 0);
  BOOST_TEST(differing(start.discriminator, no_decoder.discriminator) > 0);
  const Trained no_discriminator({"objectives.discriminator.only_if={game.real_loss: {above: 100}}"}, 1);
  BOOST_TEST(differing(start.discriminator, no_discriminator.discriminator) == 0);
  BOOST_TEST(differing(start.decoder, no_discriminator.decoder) > 0);
}

BOOST_AUTO_TEST_SUITE_END()
