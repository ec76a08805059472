// Quantizers that share a codebook (`weights: q`), codes without vectors, and vectors that are not finite.
#include <limits>

#include "document/document.h"
#include "nodes/node_checks.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kSamples = 12, kDim = 3, kCodes = 7;

std::shared_ptr<const Graph> graph_of(const std::string& options, const std::string& sharer = "") {
  const std::string text = fmt::format(
      "version: 1\ngraph: shared\nnodes:\n  x: {{type: input, shape: [5, 3]}}\n  w: {{type: input, shape: [2, 3]}}\n"
      "  p: {{type: vector_quantizer, in: w, codes: 7, {}, weights: q}}\n"
      "  q: {{type: vector_quantizer, in: x, codes: 7, {}}}\n"
      "losses:\n  q: {{type: add, in: [q.loss, p.loss]}}\n",
      sharer.empty() ? options : sharer, options);
  Diagnostics diagnostics;
  auto graph = build_graph(parse_document(text, "shared.yaml", ".").nodes, standard_registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

class Steps {
 public:
  explicit Steps(const std::string& options, std::int64_t shard = 4, int lanes = 2, bool training = true)
      : graph_(graph_of(options)), store_(*graph_, 7), executor_(2) {
    ProgramRequest request;
    request.training = training;
    request.feeds = {graph_->port("x", ErrorCode::bad_feed), graph_->port("w", ErrorCode::bad_feed)};
    request.terms = {graph_->port("losses/q", ErrorCode::bad_fetch)};
    request.fetch = {graph_->port("q.codes", ErrorCode::bad_fetch), graph_->port("p.codes", ErrorCode::bad_fetch)};
    request.batch = kSamples;
    request.shard = shard;
    request.lanes = lanes;
    program_ = std::make_unique<Program>(graph_, store_, executor_, request);
  }

  static Tensor batch(std::uint64_t step, std::int64_t positions) {
    return random_tensor({kSamples, positions, kDim}, 1000 * static_cast<std::uint64_t>(positions) + step);
  }
  void run(const Tensor& x, const Tensor& w) {
    const std::vector<TensorView> feeds = {x.view(), w.view()};
    program_->run(
        {.feeds = feeds, .weights = {}, .samples = kSamples, .seed = 4, .step = step_++, .first_item = first_item});
  }
  void run() {
    const Tensor x = batch(step_, 5), w = batch(step_, 2);
    run(x, w);
  }
  std::span<const std::int32_t> codes(int i) const { return program_->fetched(i).values<std::int32_t>(); }
  std::span<float> values(const std::string& path) { return store_.at(store_.find(path)).value.values(); }
  bool has(const std::string& path) const { return store_.find(path) >= 0; }
  std::vector<std::vector<float>> all() {
    std::vector<std::vector<float>> values;
    for (const Parameter& item : store_.items())
      values.emplace_back(item.value.values().begin(), item.value.values().end());
    return values;
  }

  std::int64_t first_item = -1;

 private:
  std::shared_ptr<const Graph> graph_;
  ParameterStore store_;
  Executor executor_;
  std::unique_ptr<Program> program_;
  std::uint32_t step_ = 0;
};

double perplexity(std::span<const std::int32_t> codes) {
  std::vector<double> counts(kCodes);
  for (const std::int32_t code : codes) ++counts[static_cast<std::size_t>(code)];
  double entropy = 0;
  for (const double count : counts) {
    const double share = count / static_cast<double>(codes.size());
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_codebook)

// N <- d N + (1 - d) n, m <- d m + (1 - d) s with n and s of both, once a step; e = m / N of the codes with vectors.
BOOST_AUTO_TEST_CASE(the_averages_are_of_both_and_move_once) {
  for (const double decay : {0.9, 0.5, 0.0}) {
    Steps steps(fmt::format("decay: {}", decay));
    BOOST_TEST(!steps.has("p.codebook"));
    const auto doubles = [](std::span<const float> from) { return std::vector<double>(from.begin(), from.end()); };
    std::vector<double> sizes = doubles(steps.values("q.cluster_size")),
                        sums = doubles(steps.values("q.embedding_sum")), codes = doubles(steps.values("q.codebook"));
    for (std::uint64_t step = 0; step < 5; ++step) {
      const Tensor x = Steps::batch(step, 5), w = Steps::batch(step, 2);
      steps.run(x, w);
      std::vector<double> n(kCodes), s(kCodes * kDim);
      const Tensor* given[] = {&x, &w};
      for (int i = 0; i < 2; ++i) {
        const auto vectors = given[i]->values();
        for (std::size_t v = 0; v < steps.codes(i).size(); ++v) {
          const auto k = static_cast<std::size_t>(steps.codes(i)[v]);
          ++n[k];
          for (std::size_t d = 0; d < kDim; ++d) s[k * kDim + d] += static_cast<double>(vectors[v * kDim + d]);
        }
      }
      for (std::size_t k = 0; k < kCodes; ++k) {
        sizes[k] = decay * sizes[k] + (1 - decay) * n[k];
        BOOST_TEST(std::abs(sizes[k] - static_cast<double>(steps.values("q.cluster_size")[k])) < 1e-5);
        for (std::size_t d = k * kDim; d < (k + 1) * kDim; ++d) {
          sums[d] = decay * sums[d] + (1 - decay) * s[d];
          if (n[k] > 0) codes[d] = sums[d] / sizes[k];
          BOOST_TEST(std::abs(codes[d] - static_cast<double>(steps.values("q.codebook")[d])) < 1e-5);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_figures_are_of_each_alone) {
  Steps steps("decay: 0.9");
  std::vector<float> unused(kCodes);
  for (int step = 0; step < 4; ++step) {
    steps.run();
    for (int i = 0; i < 2; ++i)
      BOOST_TEST(std::abs(perplexity(steps.codes(i)) -
                          static_cast<double>(steps.values(i == 0 ? "q.perplexity" : "p.perplexity")[0])) < 1e-4);
    for (std::size_t k = 0; k < kCodes; ++k) {
      unused[k] =
          std::ranges::find(steps.codes(1), static_cast<std::int32_t>(k)) != steps.codes(1).end() ? 0 : unused[k] + 1;
      BOOST_TEST(steps.values("p.unused_for")[k] == unused[k]);
    }
  }
}

// A code that one of them uses stays; one that neither uses becomes a vector of one of them.
BOOST_AUTO_TEST_CASE(a_restart_needs_a_code_that_neither_uses) {
  for (const char* update : {"ema", "loss"}) {
    Steps steps(fmt::format("update: {}, restart_after: 2", update));
    const auto codebook = steps.values("q.codebook");
    for (std::size_t i = 0; i < codebook.size(); ++i)
      codebook[i] = static_cast<float>(i / kDim) * 10;  // code 0 near the vectors of x, code 1 near those of w
    if (std::string(update) == "ema") std::ranges::copy(codebook, steps.values("q.embedding_sum").begin());
    Tensor x(DType::f32, {kSamples, 5, kDim}), w(DType::f32, {kSamples, 2, kDim});
    for (std::size_t i = 0; i < x.values().size(); ++i) x.values()[i] = 0.01F * static_cast<float>(i % 7);
    for (std::size_t i = 0; i < w.values().size(); ++i) w.values()[i] = 10 + 0.01F * static_cast<float>(i % 5);
    steps.run(x, w);
    BOOST_TEST(steps.values("q.unused_for")[1] == 1);
    BOOST_TEST(steps.values("q.codebook")[6 * kDim] == 60);
    steps.run(x, w);
    for (std::size_t k = 0; k < 2; ++k)
      BOOST_TEST(std::abs(steps.values("q.codebook")[k * kDim] - 10 * static_cast<float>(k)) < 0.1F);
    bool of_x = false, of_w = false;
    for (std::size_t k = 2; k < kCodes; ++k) {
      const float value = steps.values("q.codebook")[k * kDim];
      (value < 1 ? of_x : of_w) = true;
      BOOST_TEST(((value >= 0 && value < 0.07F) || (value >= 10 && value < 10.05F)));
      for (const char* owner : {"p", "q"}) {
        BOOST_TEST(steps.values(fmt::format("{}.untried", owner))[k] == 1);
        BOOST_TEST(steps.values(fmt::format("{}.unused_for", owner))[k] == 0);
      }
    }
    BOOST_TEST((of_x && of_w));
  }
}

BOOST_AUTO_TEST_CASE(lanes_and_shards_change_no_state) {
  const auto after = [](const char* options, std::int64_t shard, int lanes) {
    Steps steps(options, shard, lanes);
    for (int step = 0; step < 6; ++step) steps.run();
    return steps.all();
  };
  for (const char* options : {"init: kmeans, kmeans_steps: 2, restart_after: 2",
                              "update: loss, init: data, restart_after: 1", "distance: cosine, init: data"}) {
    const auto whole = after(options, kSamples, 1);
    for (const auto& [shard, lanes] : {std::pair<std::int64_t, int>{1, 2}, {5, 3}, {4, 1}}) {
      const auto parts = after(options, shard, lanes);
      for (std::size_t i = 0; i < whole.size(); ++i) {
        Report report;
        const auto size = static_cast<std::int64_t>(parts[i].size());
        compare(report, fmt::format("{}, shards of {}, state {}", options, shard, i), tensor_of({size}, parts[i]),
                tensor_of({size}, whole[i]), 1e-5);
        expect_ok(report);
      }
    }
    BOOST_TEST((after(options, 5, 3) == after(options, 5, 3)));
  }
}

BOOST_AUTO_TEST_CASE(options_of_the_codebook_must_agree) {
  for (const char* sharer : {"decay: 0.5", "restart_after: 3", "init: data", "distance: cosine"}) {
    BOOST_CHECK_EXCEPTION(graph_of("decay: 0.9", sharer), Error, [](const Error& error) {
      return error.code() == ErrorCode::bad_weight_sharing &&
             std::string(error.what()).find("as the owner has it") != std::string::npos;
    });
  }
  BOOST_TEST(graph_of("decay: 0.9", "decay: 0.9, commitment: 2").get() != nullptr);  // that of one quantizer alone
}

// 10,000 steps: 0.99^10000 is less than the smallest float, so that N and m are 0 long since.
BOOST_AUTO_TEST_CASE(codes_without_vectors_stay_bit_for_bit) {
  Steps steps("decay: 0.97");
  const auto codebook = steps.values("q.codebook");
  for (std::size_t d = 0; d < kDim; ++d) codebook[3 * kDim + d] = steps.values("q.embedding_sum")[3 * kDim + d] = 1e3F;
  const Tensor x = Steps::batch(0, 5), w = Steps::batch(0, 2);
  for (int step = 0; step < 4000; ++step) steps.run(x, w);
  for (std::size_t d = 0; d < kDim; ++d) BOOST_TEST(codebook[3 * kDim + d] == 1e3F);
  BOOST_TEST(math::all_finite(codebook.data(), static_cast<std::int64_t>(codebook.size())));
  BOOST_TEST(steps.values("q.cluster_size")[3] == 0);
  Tensor far = w.clone();
  for (std::size_t d = 0; d < kDim; ++d) far.values()[d] = 900;  // when it is used again it moves to its vectors
  steps.run(x, far);
  for (std::size_t d = 0; d < kDim; ++d) BOOST_TEST(std::abs(codebook[3 * kDim + d] - 900) < 1e-3F);
}

BOOST_AUTO_TEST_CASE(a_vector_that_is_not_finite_has_no_code) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const bool training : {true, false}) {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
      Steps steps("decay: 0.9, init: data", 4, 2, training);
      if (!training) steps.first_item = 120;
      const auto before = steps.all();
      const Tensor x = Steps::batch(0, 5), w = Steps::batch(0, 2);
      x.view()[7][4] = value;
      const std::string expected = training ? "x of sample 7 is not finite" : "x of item 127 is not finite";
      BOOST_CHECK_EXCEPTION(steps.run(x, w), Error, [&](const Error& error) {
        return error.code() == ErrorCode::not_finite && std::string(error.what()).find(expected) != std::string::npos;
      });
      BOOST_TEST((steps.all() == before));
    }
  }
}

// Each vector is finite, and their sum is not.
BOOST_AUTO_TEST_CASE(a_sum_beyond_the_range_does_not_reach_the_codebook) {
  Steps steps("decay: 0.9");
  const auto before = steps.all();
  const Tensor x = Steps::batch(0, 5), w = Steps::batch(0, 2);
  for (std::int64_t n = 0; n < 4; ++n) x.view()[n][0] = 3e38F;
  BOOST_CHECK_EXCEPTION(steps.run(x, w), Error,
                        [](const Error& error) { return error.code() == ErrorCode::not_finite; });
  const auto codebook = steps.values("q.codebook");
  BOOST_TEST(math::all_finite(codebook.data(), static_cast<std::int64_t>(codebook.size())));
}

BOOST_AUTO_TEST_SUITE_END()
