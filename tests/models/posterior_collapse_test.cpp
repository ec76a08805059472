// A linear beta-VAE with a fixed sigma loses exactly the directions whose eigenvalue l is at most beta sigma^2.
//   ELBO / beta is that of probabilistic PCA whose noise has the variance t = beta sigma^2, up to a constant: where
//   l > t the posterior of the direction has the variance t / l, and its KL is 1/2 ln(l / t) on average; else it is 0.
// Tipping and Bishop 1999, appendix A; Lucas et al. 2019, Don't Blame the ELBO!, section 4.
#include <cmath>

#include "models/small_session.h"
#include "models/spectrum.h"
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

struct LinearVae {
  std::vector<double> divergences;  // of each latent dimension, the mean over the data, in falling order
  std::vector<double> eigenvalues;  // of the data

  LinearVae(double sigma, double beta) {
    const auto session = small_session("ppca.yaml", {fmt::format("losses.reconstruction.sigma={}", sigma),
                                                     fmt::format("losses.kl.weight={}", beta), "vars.latent=6"});
    session->train();
    const DataSource data(standard_registry(), with_split(session->data(), "train"));
    Rows samples;
    for (std::int64_t n = 0; n < data.size(); ++n) {
      const std::vector<float> x = Item(data, n).floats();
      samples.emplace_back(x.begin(), x.end());
    }
    eigenvalues = spectrum_of(covariance_of(samples)).values;
    const std::vector<float> weight = parameters_of(*session, "q.").at("q.weight"),
                             bias = parameters_of(*session, "q.").at("q.bias");
    const std::size_t latent = bias.size() / 2, features = samples.front().size();
    divergences.assign(latent, 0);
    for (const std::vector<double>& x : samples) {
      const auto row = [&](std::size_t k) {
        return std::inner_product(x.begin(), x.end(), weight.begin() + static_cast<std::ptrdiff_t>(k * features),
                                  static_cast<double>(bias[k]));
      };
      for (std::size_t k = 0; k < latent; ++k) {
        const double mu = row(k), logvar = row(latent + k);
        divergences[k] += 0.5 * (mu * mu + std::exp(logvar) - 1 - logvar) / static_cast<double>(samples.size());
      }
    }
    std::ranges::sort(divergences, std::greater());
  }
};

void check_collapse(double sigma, double beta, std::size_t active) {
  BOOST_TEST_CONTEXT("sigma " << sigma << ", beta " << beta) {
    const LinearVae model(sigma, beta);
    const double threshold = beta * sigma * sigma;
    std::string found;
    for (std::size_t j = 0; j < model.divergences.size(); ++j) {
      const double l = model.eigenvalues[j], expected = l > threshold ? 0.5 * std::log(l / threshold) : 0;
      found += fmt::format("  l {:.3f}: KL {:.4f}, expected {:.4f}\n", l, model.divergences[j], expected);
      BOOST_TEST((l > threshold) == (j < active));
      BOOST_TEST((model.divergences[j] > 0.02) == (l > threshold));
      BOOST_TEST(std::abs(model.divergences[j] - expected) < 0.02);
    }
    BOOST_TEST_MESSAGE(fmt::format("beta sigma^2 = {:.3f}\n{}", threshold, found));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posterior_collapse)

// The eigenvalues of the data are 4, 2, 1, 1/2, 1/4, 1/8, ..., up to the error of 9,000 draws.
BOOST_AUTO_TEST_CASE(directions_below_the_noise_collapse) { check_collapse(std::sqrt(0.35), 1, 4); }
BOOST_AUTO_TEST_CASE(beta_raises_the_threshold) { check_collapse(std::sqrt(0.35), 4, 2); }
BOOST_AUTO_TEST_CASE(so_does_sigma) { check_collapse(std::sqrt(1.4), 1, 2); }
BOOST_AUTO_TEST_CASE(a_beta_below_one_lowers_it) { check_collapse(std::sqrt(0.35), 0.5, 5); }

BOOST_AUTO_TEST_SUITE_END()
