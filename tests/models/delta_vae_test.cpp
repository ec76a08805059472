// graphs/delta-vae.yaml in a small form: its rate never falls below the committed one, the encoder looks at what comes,
// the decoder at what was.
#include <cmath>

#include "loom/check.h"
#include "models/small_session.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr int kRows = 28, kLatent = 4, kPixels = kRows * kRows;

std::unique_ptr<Session> small(std::vector<std::string> more, const std::string& graph = "delta-vae.yaml") {
  for (const char* text : {"vars.channels=8", "vars.layers=3", "vars.pixel_channels=4",
                           "data:sprites:size=28,count=500", "train.batch=16"})
    more.emplace_back(text);
  return small_session(graph, more);
}

// Razavi et al. 2019, section 2.1: of all latent dimensions.
double committed_rate(double alpha) {
  return kLatent * 0.5 * ((kRows - 2) * std::log1p(alpha * alpha) - std::log1p(-alpha * alpha));
}

// What the graph computes from x and, where it is given, z.
std::vector<float> computed(Session& session, const std::string& what, const Tensor& x, const Tensor* z = nullptr) {
  const Graph& graph = *session.graph();
  ProgramRequest request;
  request.feeds = {graph.port("x", ErrorCode::bad_feed)};
  std::vector<TensorView> feeds = {x.view()};
  if (z != nullptr) {
    request.feeds.push_back(graph.port("z", ErrorCode::bad_feed));
    feeds.push_back(z->view());
  }
  request.fetch = {graph.port(what, ErrorCode::bad_fetch)};
  Program program(session.graph(), session.parameters(), session.executor(), request);
  program.run({.feeds = feeds, .weights = {}, .samples = 1});
  const auto values = program.fetched(0).values();
  return {values.begin(), values.end()};
}

Tensor changed(const Tensor& tensor, int index) {
  Tensor other(tensor.dtype(), tensor.shape());
  std::ranges::copy(tensor.values(), other.values().begin());
  other.values()[static_cast<std::size_t>(index)] += 1;
  return other;
}

// Which of `rows` equal parts differ.
std::vector<int> changed_rows(const std::vector<float>& a, const std::vector<float>& b, int rows) {
  std::vector<int> found;
  const std::size_t width = a.size() / static_cast<std::size_t>(rows);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && (found.empty() || found.back() != static_cast<int>(i / width)))
      found.push_back(static_cast<int>(i / width));
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delta_vae)

BOOST_AUTO_TEST_CASE(the_encoder_is_anti_causal) {
  const auto session = small({});
  const Tensor x = random_tensor({1, kPixels}, 1);
  const std::vector<float> before = computed(*session, "q.mu", x);
  for (const int row : {0, 5, 27}) {
    const std::vector<int> rows = changed_rows(before, computed(*session, "q.mu", changed(x, row * kRows + 3)), kRows);
    BOOST_REQUIRE(!rows.empty());
    BOOST_TEST(rows.back() == row);                        // no z_t of a later row sees it
    BOOST_TEST(rows.front() == std::max(0, row - 2 * 7));  // three layers of kernel 3, dilations 1, 2, 4
  }
}

BOOST_AUTO_TEST_CASE(the_decoder_is_autoregressive) {
  const auto session = small({});
  const Tensor x = random_tensor({1, kPixels}, 1), z = random_tensor({1, kRows, kLatent}, 2);
  const std::vector<float> before = computed(*session, "logits", x, &z);
  for (const int pixel : {0, 3 * kRows + 7, 20 * kRows + 27, kPixels - 1}) {
    const std::vector<int> pixels = changed_rows(before, computed(*session, "logits", changed(x, pixel), &z), kPixels);
    BOOST_TEST_CONTEXT("pixel " << pixel) {
      if (pixel == kPixels - 1)
        BOOST_TEST(pixels.empty());
      else
        BOOST_TEST((!pixels.empty() && pixels.front() == pixel + 1));
    }
  }
  for (const int row : {0, 9}) {
    const Tensor other = changed(z, row * kLatent);
    const std::vector<int> rows = changed_rows(before, computed(*session, "logits", x, &other), kRows);
    BOOST_TEST((!rows.empty() && rows.front() == row));
  }
}

BOOST_AUTO_TEST_CASE(training_never_falls_below_the_committed_rate) {
  for (const double alpha : {0.9, 0.5}) {
    const auto session = small({fmt::format("vars.alpha={}", alpha)});
    const double rate = committed_rate(alpha);
    double least = INFINITY;
    for (int i = 0; i < 150; ++i) least = std::min(least, term_of(*session, session->step(), "kl"));
    BOOST_TEST_MESSAGE(fmt::format("alpha {}: committed {:.3f} nats, least rate {:.3f}", alpha, rate, least));
    BOOST_TEST(least >= rate);
  }
}

BOOST_AUTO_TEST_CASE(even_without_any_use_for_z) {
  const std::vector<std::string> useless = {"losses.reconstruction.weight=0", "train.optimizer.lr=1e-2"};
  const double rate = committed_rate(0.9);
  const auto train = [&](const std::string& graph) {
    const auto session = small(useless, graph);
    double last = 0;
    for (int i = 0; i < 400; ++i) last = term_of(*session, session->step(), "kl");
    return last;
  };
  const double bound = train("delta-vae.yaml"), free = train("baselines/delta-vae-standard-prior.yaml");
  BOOST_TEST_MESSAGE(fmt::format("committed {:.3f} nats; AR(1) prior {:.3f}, N(0, I) {:.4f}", rate, bound, free));
  BOOST_TEST(bound >= rate);
  BOOST_TEST(bound < 1.1 * rate);  // the bound can be reached, so what is above it was not forced on the model
  BOOST_TEST(free < 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
