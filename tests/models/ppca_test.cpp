// graphs/ppca.yaml reaches the closed form of Tipping and Bishop (1999): the maximum, over all W and sigma, of the
// log-likelihood of the very data it was trained on. That is a function of the eigenvalues of the data's sample
// covariance; those of the distribution the data was drawn from would differ by the sampling error of 9,000 draws.
#include "models/spectrum.h"

#include <fmt/format.h>

#include <numbers>

#include "nodes/data/data_checks.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

// -1/2 [d ln 2 pi + sum over the first q of ln l_j + (d - q) ln sigma^2 + d]: nats per sample.
struct ClosedForm {
  double variance = 0, log_likelihood = 0;
  ClosedForm(const std::vector<double>& eigenvalues, std::size_t latent) {
    const auto d = static_cast<double>(eigenvalues.size()), rest = d - static_cast<double>(latent);
    double logs = 0;
    for (std::size_t j = 0; j < eigenvalues.size(); ++j) {
      if (j < latent)
        logs += std::log(eigenvalues[j]);
      else
        variance += eigenvalues[j] / rest;
    }
    log_likelihood = -0.5 * (d * std::log(2 * std::numbers::pi) + logs + rest * std::log(variance) + d);
  }
};

class Ppca {
 public:
  explicit Ppca(const std::vector<std::string>& overrides = {}) {
    std::vector<Override> parsed;
    for (const std::string& text : overrides) parsed.push_back(parse_override(text));
    session_ = std::make_unique<Session>(load_document(LOOM_SOURCE_DIR "/graphs/ppca.yaml", parsed),
                                         standard_registry(), SessionSettings{});
    session_->train();
    const DataSource data(standard_registry(), with_split(session_->data(), "train"));
    for (std::int64_t n = 0; n < data.size(); ++n) {
      const std::vector<float> x = Item(data, n).floats();
      samples_.emplace_back(x.begin(), x.end());
    }
    weight_ = parameter("mean.weight");
    bias_ = parameter("mean.bias");
    encoder_ = parameter("q.weight");
    encoder_bias_ = parameter("q.bias");
    latent_ = weight_.size() / bias_.size();
    variance_ = std::exp(2 * parameter("losses/reconstruction.log_sigma").front());
  }

  const Rows& samples() const { return samples_; }
  Session& session() { return *session_; }
  double variance() const { return variance_; }
  std::size_t latent() const { return latent_; }

  // The ELBO itself, its expectation over z in closed form: no noise of sampling.
  double elbo() const {
    double sum = 0;
    for (const std::vector<double>& x : samples_) sum += elbo_of(x);
    return sum / static_cast<double>(samples_.size());
  }

  // The share of a unit vector that lies in the span of W's columns.
  double share_in_span(const std::vector<double>& direction) const {
    Rows basis;
    for (std::size_t k = 0; k < latent_; ++k) {
      std::vector<double> column(bias_.size());
      for (std::size_t i = 0; i < column.size(); ++i) column[i] = weight_[i * latent_ + k];
      for (const std::vector<double>& earlier : basis) {
        const double along = dot(column, earlier);
        for (std::size_t i = 0; i < column.size(); ++i) column[i] -= along * earlier[i];
      }
      const double length = std::sqrt(dot(column, column));
      for (double& value : column) value /= length;
      basis.push_back(std::move(column));
    }
    double share = 0;
    for (const std::vector<double>& vector : basis) share += std::pow(dot(vector, direction), 2);
    return share;
  }

 private:
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }

  std::vector<double> parameter(const std::string& path) {
    const int index = session_->parameters().find(path);
    BOOST_REQUIRE_MESSAGE(index >= 0, "there is no parameter " + path);
    const auto values = session_->parameters().at(index).value.values();
    return {values.begin(), values.end()};
  }

  double row(std::size_t index, const std::vector<double>& x) const {
    return std::inner_product(x.begin(), x.end(), encoder_.begin() + static_cast<std::ptrdiff_t>(index * x.size()),
                              encoder_bias_[index]);
  }

  double elbo_of(const std::vector<double>& x) const {
    std::vector<double> mean(bias_);
    double divergence = 0, spread = 0;
    for (std::size_t k = 0; k < latent_; ++k) {
      const double mu = row(k, x), logvar = row(latent_ + k, x), posterior = std::exp(logvar);
      divergence += 0.5 * (mu * mu + posterior - 1 - logvar);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double w = weight_[i * latent_ + k];
        mean[i] += w * mu;
        spread += w * w * posterior;
      }
    }
    double distance = spread;
    for (std::size_t i = 0; i < x.size(); ++i) distance += std::pow(x[i] - mean[i], 2);
    const double logs = std::log(2 * std::numbers::pi * variance_);
    return -0.5 * (distance / variance_ + static_cast<double>(x.size()) * logs) - divergence;
  }

  std::unique_ptr<Session> session_;
  Rows samples_;
  std::vector<double> weight_, bias_, encoder_, encoder_bias_;  // W is [features, latent]
  std::size_t latent_ = 0;
  double variance_ = 0;
};

void check_against_closed_form(Ppca& model) {
  const Spectrum spectrum = spectrum_of(covariance_of(model.samples()));
  const ClosedForm best(spectrum.values, model.latent());
  const double elbo = model.elbo();
  BOOST_TEST_MESSAGE(
      fmt::format("ELBO {:.4f}, maximum of the log-likelihood {:.4f}; sigma^2 {:.5f}, closed form {:.5f}", elbo,
                  best.log_likelihood, model.variance(), best.variance));
  BOOST_TEST(elbo <= best.log_likelihood + 1e-3);  // a bound on it, by the rounding of f32
  BOOST_TEST(best.log_likelihood - elbo < 0.02);
  BOOST_TEST(std::abs(model.variance() / best.variance - 1) < 0.02);
  for (std::size_t j = 0; j < model.latent(); ++j) {
    BOOST_TEST_CONTEXT("eigenvector " << j) BOOST_TEST(model.share_in_span(spectrum.vectors[j]) > 0.995);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ppca)

BOOST_AUTO_TEST_CASE(the_spectrum_of_a_known_matrix) {
  // U diag(5, 2, 1) U^T with the rows of U: (1, 2, 2)/3, (2, 1, -2)/3, (2, -2, 1)/3.
  const Rows u = {{1, 2, 2}, {2, 1, -2}, {2, -2, 1}};
  const double values[] = {5, 2, 1};
  Rows a(3, std::vector<double>(3));
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) a[i][j] += values[k] * u[k][i] * u[k][j] / 9;
    }
  }
  const Spectrum spectrum = spectrum_of(a);
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(std::abs(spectrum.values[k] - values[k]) < 1e-12);
    double along = 0;
    for (std::size_t i = 0; i < 3; ++i) along += spectrum.vectors[k][i] * u[k][i] / 3;
    BOOST_TEST(std::abs(std::abs(along) - 1) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(the_elbo_reaches_the_maximum_of_the_log_likelihood) {
  Ppca model;
  check_against_closed_form(model);
  const Evaluation evaluation = model.session().evaluate({.split = "train"});
  BOOST_TEST(std::abs(evaluation.evidence().value() + model.elbo()) < 0.08);  // one draw a sample: 0.02 of noise
}

BOOST_AUTO_TEST_CASE(so_it_does_with_other_features_and_latents) {
  Ppca model({"vars.features=16", "vars.latent=5"});
  BOOST_TEST(model.latent() == 5U);
  check_against_closed_form(model);
}

BOOST_AUTO_TEST_SUITE_END()
