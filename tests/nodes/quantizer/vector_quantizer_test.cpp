// One call of the quantizer: values, gradients and statistics. What several steps do is in codebook_care_test.cpp.
#include "loom/node.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeTester quantizer(std::int64_t codes, const Shape& x) {
  auto tester = node("vector_quantizer");
  tester.option("codes", codes).random_input("x", x);
  return tester;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d)
    sum += (static_cast<double>(a[d]) - static_cast<double>(b[d])) *
           (static_cast<double>(a[d]) - static_cast<double>(b[d]));
  return sum;
}

std::vector<std::int32_t> codes_of(const NodeResult& result) {
  const auto codes = result.outputs.at("codes").values<std::int32_t>();
  return {codes.begin(), codes.end()};
}

// The options under which forward and backward take different ways.
const std::vector<std::map<std::string, OptionValue>> kVariants = {
    {{"update", "loss"}},
    {{"update", "loss"}, {"distance", "cosine"}},
    {{"update", "ema"}, {"gradient", "rotation"}, {"restart_after", 1}},
    {{"update", "ema"}, {"distance", "cosine"}, {"gradient", "rotation"}, {"init", "kmeans"}},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_quantizer)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("vector_quantizer"); }

BOOST_AUTO_TEST_CASE(finds_the_nearest_code) {
  for (const auto& [codes, dim] : {std::pair{1, 3}, {37, 19}, {512, 64}, {33, 1}}) {
    const Tensor codebook = random_tensor({codes, dim}, 3);
    auto tester = quantizer(codes, {3, 5, 14, dim});
    const NodeResult result = tester.state("codebook", codebook.clone()).run();
    const Tensor x = random_tensor({3 * 5 * 14, dim}, stream_of("x"));
    const std::vector<std::int32_t> found = codes_of(result);
    for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
      std::int32_t nearest = 0;
      double least = HUGE_VAL;
      for (std::int32_t k = 0; k < codes; ++k) {
        const double distance = squared_distance(x.view()[i], codebook.view()[k]);
        if (distance < least) least = distance, nearest = k;
      }
      const std::int32_t code = found[static_cast<std::size_t>(i)];
      // Another code only where rounding cannot tell the two apart.
      const bool tie = squared_distance(x.view()[i], codebook.view()[code]) - least < 1e-5 * (1 + least);
      BOOST_TEST((code == nearest || tie), "vector " << i << ": " << code << " in place of " << nearest);
      const auto quantized = result.outputs.at("quantized")
                                 .values()
                                 .subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim));
      BOOST_TEST(std::ranges::equal(quantized, codebook.view()[code]));
    }
  }
}

BOOST_AUTO_TEST_CASE(ties_go_to_the_lowest_code) {
  Tensor codebook = random_tensor({70, 8}, 3);
  for (const std::int64_t copy : {9, 40, 69}) std::ranges::copy(codebook.view()[5], codebook.view()[copy].begin());
  auto tester = quantizer(70, {4, 30, 8});
  const std::vector<std::int32_t> codes = codes_of(tester.state("codebook", std::move(codebook)).run());
  BOOST_TEST(std::ranges::count(codes, 5) > 0);
  for (const std::int32_t copy : {9, 40, 69}) BOOST_TEST(std::ranges::count(codes, copy) == 0);
}

BOOST_AUTO_TEST_CASE(a_vector_that_is_not_a_number_has_no_code) {
  const Tensor x = random_tensor({2, 3, 4}, 5);
  x.values()[16] = std::nanf("");
  for (const bool training : {true, false}) {
    auto tester = node("vector_quantizer");
    if (!training) tester.evaluation();
    tester.option("codes", 7).input("x", x.clone());
    BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [](const loom::Error& error) {
      return error.code() == loom::ErrorCode::not_finite &&
             std::string(error.what()).find("x of sample 1 is not finite") != std::string::npos;
    });
  }
}

// codebook_loss moves the codes and nothing else, commitment_loss moves x: together, weighted, they are the loss.
BOOST_AUTO_TEST_CASE(the_two_losses_have_their_own_gradients) {
  for (const char* distance : {"euclidean", "cosine"}) {
    const auto run = [&](const char* port, float weight) {
      auto tester = node("vector_quantizer");
      tester.option("codes", 5).option("update", "loss").option("distance", distance).option("commitment", 0.5);
      tester.input("x", random_tensor({4, 6, 3}, 5)).parameter("codebook", random_tensor({5, 3}, 6));
      Tensors diff;
      Tensor& one = diff[port] = Tensor(loom::DType::f32, {4});
      for (std::size_t n = 0; n < 4; ++n) one.values()[n] = weight * static_cast<float>(n + 1);
      return tester.run(diff);
    };
    const NodeResult whole = run("loss", 1), codebook = run("codebook_loss", 1),
                     commitment = run("commitment_loss", 0.5F);
    Report report;
    compare(report, "x", commitment.diff_inputs.at("x"), whole.diff_inputs.at("x"), 1e-6);
    compare(report, "codebook", codebook.diff_parameters.at("codebook"), whole.diff_parameters.at("codebook"), 1e-6);
    expect_ok(report);
    for (const float value : codebook.diff_inputs.at("x").values()) BOOST_TEST(value == 0);
    for (const float value : commitment.diff_parameters.at("codebook").values()) BOOST_TEST(value == 0);
  }
}

BOOST_AUTO_TEST_CASE(no_shard_size_changes_anything) {
  for (const auto& options : kVariants) {
    auto tester = quantizer(20, {33, 3, 2, 6});
    for (const auto& [name, value] : options) tester.option(name, value);
    expect_ok(tester.check_shards());
    expect_ok(tester.check_repeatable());
    const NodeResult whole = tester.run_random(1);
    for (const int shards : {2, 5, 33}) {
      const NodeResult parts = tester.run_random(shards);
      BOOST_TEST(codes_of(parts) == codes_of(whole));
      Report report;
      for (const auto& [name, state] : whole.states) compare(report, name, parts.states.at(name), state, 1e-5);
      for (const char* name : {"unused_for", "perplexity"})
        BOOST_TEST(std::ranges::equal(parts.states.at(name).values(), whole.states.at(name).values()));
      expect_ok(report);
    }
  }
}

BOOST_AUTO_TEST_CASE(evaluation_changes_no_state) {
  for (const auto& options : kVariants) {
    auto tester = quantizer(5, {4, 6, 3});
    for (const auto& [name, value] : options) tester.option(name, value);
    Tensor unused = tensor_of({5}, std::vector<float>{0, 7, 2, 9, 4});
    const NodeResult result = tester.state("unused_for", unused.clone()).evaluation().run_random();
    BOOST_TEST(std::ranges::equal(result.states.at("unused_for").values(), unused.values()));
    BOOST_TEST(result.states.at("perplexity").values()[0] == 0);
    if (!result.states.contains("codebook")) continue;
    for (const float size : result.states.at("cluster_size").values()) BOOST_TEST(size == 1);
    const Tensor codebook = random_tensor({5, 3}, stream_of("codebook"));  // as the tester draws it
    BOOST_TEST(std::ranges::equal(result.states.at("codebook").values(), codebook.values()));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_of_one) {
  for (const auto& options : kVariants) {
    auto tester = quantizer(4, {1, 3});
    for (const auto& [name, value] : options) tester.option(name, value);
    const NodeResult result = tester.run_random();
    BOOST_TEST(result.broken_rules.empty());
    BOOST_TEST(result.states.at("perplexity").values()[0] == 1);
    BOOST_TEST(std::isfinite(result.outputs.at("loss").values()[0]));
  }
}

// The tester has at least one sample; this is called as the framework calls it.
BOOST_AUTO_TEST_CASE(an_empty_batch) {
  const auto type = standard_registry().node("vector_quantizer");
  Options options;
  for (const OptionDeclaration& declared : type->contract.options()) options.set(declared.name, declared.default_value);
  options.set("codes", 3);
  options.set("restart_after", 1);
  Tensor codebook = random_tensor({3, 2}, 1), sums = random_tensor({3, 2}, 2), sizes = random_tensor({3}, 3);
  Tensor untried(DType::f32, {3});
  Tensor unused = tensor_of({3}, std::vector<float>{0, 5, 2}), perplexity = tensor_of({1}, std::vector<float>{2});
  const std::vector<TensorView> inputs = {{DType::f32, {0, 4, 2}, nullptr}};
  const std::vector<TensorView> outputs = {{DType::f32, {0, 4, 2}, nullptr},
                                           {DType::i32, {0, 4}, nullptr},
                                           {DType::f32, {0}, nullptr},
                                           {DType::f32, {0}, nullptr},
                                           {DType::f32, {0}, nullptr}};
  const std::vector<TensorView> states = {codebook, sizes, sums, unused, untried, perplexity, {}}, parameters(1);
  const Tensor counts(DType::f32, {3}), tally(DType::f32, {3, 2}), candidates(DType::f32, {3, 2});
  const std::vector<TensorView> tallies = {counts, tally, candidates};
  const auto quantizer = type->create(options);
  Prepare p;
  p.contract = &type->contract;
  p.input_views = inputs;
  p.output_views = outputs;
  p.parameter_views = parameters;
  p.training = p.backward = true;
  quantizer->prepare(p);
  AlignedBytes scratch = allocate_bytes(p.scratch_bytes), packed = allocate_bytes(p.packed_bytes);
  Pack pack{.contract = p.contract,
            .parameter_views = parameters,
            .state_views = states,
            .packed_memory = {packed.get(), p.packed_bytes}};
  quantizer->pack(pack);
  const auto fill = [&](Call& call) {
    call.contract = p.contract;
    call.input_views = inputs;
    call.output_views = outputs;
    call.parameter_views = parameters;
    call.state_views = states;
    call.scratch_memory = {scratch.get(), p.scratch_bytes};
    call.packed_memory = {packed.get(), p.packed_bytes};
    call.training = true;
  };
  Forward forward;
  fill(forward);
  forward.tally_views = tallies;
  quantizer->forward(forward);
  Backward backward;
  fill(backward);
  const std::vector<TensorView> diff_outputs = {outputs[0], {}, outputs[2], {}, {}}, none(1);
  backward.diff_output_views = diff_outputs;
  backward.diff_input_views = inputs;
  backward.diff_parameter_views = none;
  quantizer->backward(backward);
  EndStep end;
  end.contract = p.contract;
  end.tally_views = tallies;
  end.state_views = states;
  end.parameter_views = parameters;
  quantizer->end_step(end);
  BOOST_TEST(std::ranges::equal(codebook.values(), random_tensor({3, 2}, 1).values()));
  BOOST_TEST(std::ranges::equal(sums.values(), random_tensor({3, 2}, 2).values()));
  BOOST_TEST((unused.values()[1] == 5 && perplexity.values()[0] == 2));
}

BOOST_AUTO_TEST_CASE(where_no_rotation_is_defined_the_gradient_goes_straight_through) {
  const Tensor x = tensor_of({3, 2}, std::vector<float>{0, 0, -1, 0, 3, 4});
  const Tensor gradient = random_tensor({3, 2}, 8);
  const auto gradient_for = [&](std::vector<float> code) {
    auto tester = node("vector_quantizer");
    tester.option("codes", 1).option("gradient", "rotation").input("x", x.clone());
    Tensors above;
    above.emplace("quantized", gradient.clone());
    NodeResult result = tester.state("codebook", tensor_of({1, 2}, code)).run(above);
    return std::move(result.diff_inputs.at("x"));
  };
  BOOST_TEST(std::ranges::equal(gradient_for({0, 0}).values(), gradient.values()));
  const Tensor opposite = gradient_for({2, 0});
  BOOST_TEST(std::ranges::equal(opposite.view().rows(0, 2).values(), gradient.view().rows(0, 2).values()));
  for (const float value : opposite.values()) BOOST_TEST(std::isfinite(value));
  BOOST_TEST(opposite.values()[4] != gradient.values()[4]);
}

BOOST_AUTO_TEST_CASE(the_vectors_must_have_the_declared_extent) {
  auto tester = quantizer(4, {2, 3});
  expect_error(tester.option("dim", 5), "the vectors' extent is not `dim`");
  auto fits = quantizer(4, {2, 3});
  BOOST_TEST(fits.option("dim", 3).error().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(codebook_lookup)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("codebook_lookup"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const char* distance : {"euclidean", "cosine"}) {
    auto tester = node("codebook_lookup");
    tester.option("codes", 4).option("dim", 3).option("distance", distance);
    expect_ok(tester.input("codes", tensor_of({2, 3}, std::vector<std::int32_t>{0, 3, 3, 1, 0, 3})).check());
  }
}

BOOST_AUTO_TEST_CASE(names_a_code_that_is_out_of_range) {
  for (std::int32_t code : {7, -1}) {
    auto tester = node("codebook_lookup");
    tester.option("codes", 7).option("dim", 3).input("codes", tensor_of({1, 2}, std::vector<std::int32_t>{0, code}));
    BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [&](const loom::Error& e) {
      return std::string(e.what()).find("the code " + std::to_string(code)) != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()
