// A table with missing values, classes and a flag, by likelihoods of three kinds: the scale of the noise is recovered, and
// samples have the columns of the table.
#include <cmath>
#include <fstream>

#include "check/standard_registry.h"
#include "document/document.h"
#include "loom/random.h"
#include "train/scratch_folder.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr int kRows = 4000, kNumbers = 6;
constexpr double kSigma = 0.4, kMissing = 0.3;

// x = w z + b + noise of kSigma, where one z leaves the posterior no correlations that a diagonal one would miss; colour by
// z, member by a coin; 30 % of the numbers are empty fields.
void write_table(const std::string& path) {
  std::ofstream file(path);
  file << "a,b,c,d,e,f,colour,member\n";
  for (int row = 0; row < kRows; ++row) {
    const RandomStream stream(7, 1, 0);
    std::array<float, 2> z{};
    std::array<float, kNumbers> noise{}, uniform{};
    stream.normal(static_cast<std::uint32_t>(row), z, 0);
    stream.normal(static_cast<std::uint32_t>(row), noise, 8);
    stream.uniform(static_cast<std::uint32_t>(row), uniform, 16);
    for (int k = 0; k < kNumbers; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double mean = (k % 2 == 0 ? 1.5 : -1.0) * static_cast<double>(z[0]) + k;
      if (static_cast<double>(uniform[i]) >= kMissing) file << mean + kSigma * static_cast<double>(noise[i]);
      file << ',';
    }
    file << (z[0] > 0.5F ? "red" : z[0] < -0.5F ? "\"blue, dark\"" : "green") << ',' << (z[1] > 0 ? 1 : 0) << '\n';
  }
}

constexpr const char* kGraph = R"(version: 1
graph: mixed
nodes:
  x:      {type: input, shape: [6]}
  mask:   {type: input, shape: [6]}
  colour: {type: input, shape: [], dtype: i32}
  member: {type: input, shape: [1]}
  hot:    {type: one_hot, in: colour, classes: 3}
  seen:   {type: concat, in: [x, mask, hot, member]}
  h:      {type: linear, in: seen, units: 96, activation: gelu}
  q:      {type: gaussian_parameters, in: h, dim: 1}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean:   {type: linear, in: z, units: 6}
  d:      {type: linear, in: z, units: 16, activation: gelu}
  colour_logits: {type: linear, in: d, units: 3}
  member_logits: {type: linear, in: d, units: 1}
  a_colour: {type: categorical_sampler, in: colour_logits}
  a_member: {type: bernoulli_sampler, in: member_logits}
losses:
  numbers: {type: gaussian_nll, in: {mean: mean, target: x, mask: mask}, sigma: learned}
  colours: {type: categorical_nll, in: {logits: colour_logits, target: colour}}
  members: {type: bernoulli_nll, in: {logits: member_logits, target: member}}
  kl:      {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 128, steps: 12000, optimizer: {type: adam, lr: 1.0e-3}}
generate:
  sample: {draw: {z: {type: standard_normal}}, show: {x: mean, colour: a_colour, member: a_member}}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(mixed_table)

BOOST_AUTO_TEST_CASE(sigma_is_recovered_from_what_is_there) {
  const ScratchFolder folder;
  write_table(folder.file("t.csv"));
  DataEntry data;
  data.type = "table";
  data.options["path"].value = folder.file("t.csv");
  data.options["missing"].value = "mask";
  data.options["columns"].value = "a,b,c,d,e,f";
  Session session(parse_document(kGraph, "mixed.yaml", "."), standard_registry(),
                  {.data = data, .threads = 2, .lanes = 2});
  session.train();
  const int sigma = session.parameters().find("losses/numbers.log_sigma");
  BOOST_REQUIRE(sigma >= 0);
  const double found = std::exp(static_cast<double>(session.parameters().at(sigma).value.values()[0]));
  BOOST_TEST(std::abs(found / kSigma - 1) < 0.05, "sigma " << found << ", not " << kSigma);
}

BOOST_AUTO_TEST_SUITE_END()
