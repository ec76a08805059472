// What happens to a codebook over several steps of a program: averages, initialisation, restart, sharing.
#include <set>

#include "document/document.h"
#include "nodes/node_checks.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kSamples = 12, kPositions = 5, kDim = 3;

std::shared_ptr<const Graph> graph_of(const std::string& options, const std::string& more = "") {
  const std::string text = "version: 1\ngraph: care\nnodes:\n  x: {type: input, shape: [5, 3]}\n" + more +
                           "  q: {type: vector_quantizer, in: x, " + options +
                           "}\nlosses:\n  q: {type: add, in: [q.loss]}\n";
  Diagnostics diagnostics;
  auto graph = build_graph(parse_document(text, "care.yaml", ".").nodes, standard_registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

// A store and a training program over it; step k sees the k-th batch.
class Steps {
 public:
  Steps(const std::string& options, std::int64_t shard = 4, int lanes = 2, const std::string& more = "")
      : graph_(graph_of(options, more)), store_(*graph_, 7), executor_(2) {
    ProgramRequest request;
    request.training = true;
    request.feeds = {graph_->port("x", ErrorCode::bad_feed)};
    request.terms = {graph_->port("losses/q", ErrorCode::bad_fetch)};
    request.fetch = {graph_->port("q.codes", ErrorCode::bad_fetch)};
    if (graph_->find("y") >= 0) {
      request.fetch.push_back(graph_->port("y", ErrorCode::bad_fetch));
      request.fetch.push_back(graph_->port("q.quantized", ErrorCode::bad_fetch));
    }
    request.batch = kSamples;
    request.shard = shard;
    request.lanes = lanes;
    program_ = std::make_unique<Program>(graph_, store_, executor_, request);
  }

  static Tensor batch(int step) {
    return random_tensor({kSamples, kPositions, kDim}, 100 + static_cast<std::uint64_t>(step));
  }

  void run(const Tensor& x) {
    const std::vector<TensorView> feeds = {x.view()};
    program_->run({.feeds = feeds, .weights = {}, .samples = x.shape()[0], .seed = 4, .step = step_++});
    const auto codes = program_->fetched(0).values<std::int32_t>();
    codes_.assign(codes.begin(), codes.end());
  }
  void run() { run(batch(static_cast<int>(step_))); }

  std::span<float> values(const std::string& name) { return store_.at(store_.find("q." + name)).value.values(); }
  std::vector<float> row(const std::string& name, std::int64_t k) {
    const auto row = store_.at(store_.find("q." + name)).value.view()[k];
    return {row.begin(), row.end()};
  }
  const std::vector<std::int32_t>& codes() const { return codes_; }
  TensorView fetched(int i) const { return program_->fetched(i); }
  std::vector<std::vector<float>> all() {
    std::vector<std::vector<float>> values;
    for (const Parameter& item : store_.items())
      values.emplace_back(item.value.values().begin(), item.value.values().end());
    return values;
  }

 private:
  std::shared_ptr<const Graph> graph_;
  ParameterStore store_;
  Executor executor_;
  std::unique_ptr<Program> program_;
  std::vector<std::int32_t> codes_;
  std::uint32_t step_ = 0;
};

// Index of the vector of `x` that equals `row`, or -1.
std::int64_t found_at(const Tensor& x, const std::vector<float>& row) {
  const auto all = x.values();
  for (std::size_t i = 0; i < all.size(); i += row.size()) {
    if (std::ranges::equal(all.subspan(i, row.size()), row)) return static_cast<std::int64_t>(i / row.size());
  }
  return -1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(codebook_care)

BOOST_AUTO_TEST_CASE(starts_within_one_over_the_count) {
  Steps steps("codes: 50");
  float most = 0;
  for (const float value : steps.values("codebook")) most = std::max(most, std::abs(value));
  BOOST_TEST((most <= 1.0F / 50 && most > 0.9F / 50));
  BOOST_TEST(std::ranges::equal(steps.values("embedding_sum"), steps.values("codebook")));
}

BOOST_AUTO_TEST_CASE(data_gives_the_first_codes_and_no_more) {
  for (const char* update : {"loss", "ema"}) {
    for (const std::int64_t shard : {1, 5, 12}) {
      Steps steps(fmt::format("codes: 40, init: data, update: {}", update), shard);
      const Tensor first = Steps::batch(0);
      steps.run();
      std::set<std::int64_t> places;  // of 60 vectors, each at most once
      for (std::int64_t k = 0; k < 40; ++k) places.insert(found_at(first, steps.row("codebook", k)));
      BOOST_TEST(places.size() == 40U);
      BOOST_TEST(*places.begin() >= 0);
      Steps other(fmt::format("codes: 40, init: data, update: {}", update));
      other.run();
      BOOST_TEST(std::ranges::equal(other.values("codebook"), steps.values("codebook")));
      const std::vector<float> before = steps.row("codebook", 3);
      steps.run(first);
      for (std::size_t i = 0; i < 60; ++i)  // each vector that became a code is nearest to it
        if (places.contains(static_cast<std::int64_t>(i)))
          BOOST_TEST(found_at(first, std::vector<float>(
                                         first.values().begin() + static_cast<std::ptrdiff_t>(i * kDim),
                                         first.values().begin() + static_cast<std::ptrdiff_t>((i + 1) * kDim))) ==
                     static_cast<std::int64_t>(i));
      if (std::string(update) == "loss") BOOST_TEST(steps.row("codebook", 3) == before);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_batch_smaller_than_the_codebook_gives_its_vectors_more_than_once) {
  Steps steps("codes: 90, init: data");
  const Tensor first = Steps::batch(0);
  steps.run();
  for (std::int64_t k = 0; k < 90; ++k) BOOST_TEST(found_at(first, steps.row("codebook", k)) >= 0);
}

BOOST_AUTO_TEST_CASE(kmeans_takes_the_means_of_the_clusters) {
  for (const char* update : {"loss", "ema"}) {
    Steps steps(fmt::format("codes: 20, init: kmeans, kmeans_steps: 2, update: {}", update));
    steps.run();
    for (int step = 1; step <= 2; ++step) {
      const Tensor x = Steps::batch(step);
      steps.run();
      for (std::int64_t k = 0; k < 20; ++k) {
        std::vector<double> mean(kDim);
        double count = 0;
        for (std::size_t i = 0; i < steps.codes().size(); ++i) {
          if (steps.codes()[i] != k) continue;
          ++count;
          for (std::size_t d = 0; d < kDim; ++d) mean[d] += static_cast<double>(x.values()[i * kDim + d]);
        }
        const std::vector<float> code = steps.row("codebook", k);
        if (count == 0) {
          BOOST_TEST(found_at(x, code) >= 0);  // an empty cluster starts again from the data
          continue;
        }
        for (std::size_t d = 0; d < kDim; ++d)
          BOOST_TEST(std::abs(mean[d] / count - static_cast<double>(code[d])) < 1e-5);
        if (std::string(update) == "ema")
          BOOST_TEST(steps.values("cluster_size")[static_cast<std::size_t>(k)] == static_cast<float>(count));
      }
    }
    const std::vector<float> before(steps.values("codebook").begin(), steps.values("codebook").end());
    steps.run();  // the means are done with: averages move little, a loss alone changes nothing
    double most = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
      most =
          std::max(most, std::abs(static_cast<double>(before[i]) - static_cast<double>(steps.values("codebook")[i])));
    BOOST_TEST((std::string(update) == "ema" ? most > 0 && most < 0.1 : most == 0));
  }
}

BOOST_AUTO_TEST_CASE(a_restart_resets_everything_that_moves) {
  Steps steps("codes: 6, restart_after: 3");
  auto codebook = steps.values("codebook");
  for (std::size_t d = 0; d < kDim; ++d) codebook[2 * kDim + d] = 1e4F;  // out of reach
  for (std::size_t d = 0; d < kDim; ++d) steps.values("embedding_sum")[2 * kDim + d] = 1e4F;
  steps.run();
  BOOST_TEST(steps.values("unused_for")[2] == 1);
  steps.run();
  BOOST_TEST(steps.values("unused_for")[2] == 2);
  BOOST_TEST(steps.row("codebook", 2)[0] > 1e3F);
  const Tensor third = Steps::batch(2);
  steps.run();
  const std::vector<float> code = steps.row("codebook", 2);
  BOOST_TEST(found_at(third, code) >= 0);
  BOOST_TEST(steps.values("unused_for")[2] == 0);
  BOOST_TEST(steps.values("cluster_size")[2] == 1);
  BOOST_TEST(steps.row("embedding_sum", 2) == code);
  BOOST_TEST(steps.values("untried")[2] == 1);
  steps.run(third);  // what was packed for the search follows
  BOOST_TEST(steps.codes()[static_cast<std::size_t>(found_at(third, code))] == 2);
  BOOST_TEST(steps.values("untried")[2] == 0);
}

BOOST_AUTO_TEST_CASE(a_restart_reaches_a_learned_codebook_too) {
  Steps steps("codes: 6, restart_after: 1, update: loss, distance: cosine");
  auto codebook = steps.values("codebook");
  for (std::int64_t k = 0; k < 6; ++k)  // all the same: the lowest takes everything
    for (std::size_t d = 0; d < kDim; ++d) codebook[static_cast<std::size_t>(k) * kDim + d] = 1;
  steps.run();
  BOOST_TEST(steps.values("perplexity")[0] == 1);
  for (std::int64_t k = 1; k < 6; ++k) {
    double square = 0;
    for (const float value : steps.row("codebook", k))
      square += static_cast<double>(value) * static_cast<double>(value);
    BOOST_TEST(std::abs(square - 1) < 1e-5);  // a normalised vector of the batch
    BOOST_TEST(steps.values("unused_for")[static_cast<std::size_t>(k)] == 0);
  }
  BOOST_TEST(steps.row("codebook", 0) == std::vector<float>(kDim, 1.0F));
  steps.run();
  BOOST_TEST(steps.values("perplexity")[0] > 2);
}

BOOST_AUTO_TEST_CASE(lanes_and_shards_change_no_state) {
  const auto after = [](const char* options, std::int64_t shard, int lanes) {
    Steps steps(options, shard, lanes);
    for (int step = 0; step < 6; ++step) steps.run();
    return steps.all();
  };
  for (const char* options :
       {"codes: 30, init: kmeans, kmeans_steps: 2, restart_after: 2",
        "codes: 30, update: loss, init: data, restart_after: 2", "codes: 30, distance: cosine, init: data"}) {
    const auto whole = after(options, kSamples, 1);
    for (const auto& [shard, lanes] : {std::pair<std::int64_t, int>{1, 2}, {5, 3}, {4, 1}}) {
      const auto parts = after(options, shard, lanes);
      for (std::size_t i = 0; i < whole.size(); ++i) {
        Report report;
        compare(report, fmt::format("{}, shards of {}, state {}", options, shard, i),
                tensor_of({static_cast<std::int64_t>(parts[i].size())}, parts[i]),
                tensor_of({static_cast<std::int64_t>(whole[i].size())}, whole[i]), 1e-5);
        expect_ok(report);
      }
    }
    BOOST_TEST((after(options, 5, 3) == after(options, 5, 3)));
  }
}

BOOST_AUTO_TEST_CASE(a_frozen_quantizer_stays_as_it_is) {
  Steps steps("codes: 30, init: data, frozen: true");
  const auto before = steps.all();
  steps.run();
  BOOST_TEST((steps.all() == before));
}

// A lookup may stand before its quantizer, and its codebook may be a state there.
BOOST_AUTO_TEST_CASE(a_lookup_shares_the_codebook) {
  for (const char* update : {"loss", "ema"}) {
    for (const char* distance : {"euclidean", "cosine"}) {
      Steps steps(
          fmt::format("codes: 30, init: data, update: {}, distance: {}", update, distance), 4, 2,
          fmt::format("  y: {{type: codebook_lookup, in: q.codes, codes: 30, dim: 3, distance: {}, weights: q}}\n",
                      distance));
      steps.run();
      steps.run();
      steps.run();
      const auto looked_up = steps.fetched(1).values(), quantized = steps.fetched(2).values();
      BOOST_TEST(std::ranges::equal(looked_up, quantized));
      BOOST_TEST(quantized[0] != quantized[kDim]);  // something is compared
    }
  }
  BOOST_CHECK_EXCEPTION(graph_of("codes: 30, distance: cosine",
                                 "  y: {type: codebook_lookup, in: q.codes, codes: 30, dim: 3, weights: q}\n"),
                        Error, [](const Error& error) {
                          const std::string text = error.what();
                          return error.code() == ErrorCode::bad_weight_sharing &&
                                 text.find("distance: cosine, as the owner has it") != std::string::npos;
                        });
  BOOST_CHECK_EXCEPTION(
      graph_of("codes: 30", "  y: {type: codebook_lookup, in: q.codes, codes: 31, dim: 3, weights: q}\n"), Error,
      [](const Error& error) { return error.code() == ErrorCode::bad_weight_sharing; });
}

BOOST_AUTO_TEST_SUITE_END()
