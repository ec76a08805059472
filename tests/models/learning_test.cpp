// Every graph of graphs/ learns in a small form: over 200 steps the mean of its loss falls by more than the steps'
// noise.
#include <cmath>
#include <filesystem>
#include <fstream>

#include "models/small_session.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

struct Form {
  Texts overrides;
  std::string term = "";   // what must fall; "": the loss of the first objective
  std::string graph = "";  // in place of the graph's own file, beside graphs/
};

// A folder with a recording of tones that rise and fade: 8 kHz, 16 bits.
std::string sounds() {
  static const ScratchFolder folder;
  const std::string file = folder.file("tones.wav");
  if (fs::exists(file)) return folder.path();
  constexpr std::uint32_t kFrames = 16000, kRate = 8000;
  std::string bytes = "RIFF";
  const auto add = [&](std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>((value >> (8 * i)) & 255U);
  };
  add(36 + 2 * kFrames, 4);
  bytes += "WAVEfmt ";
  for (const auto& [value, count] :
       {std::pair{16U, 4}, {1U, 2}, {1U, 2}, {kRate, 4}, {2 * kRate, 4}, {2U, 2}, {16U, 2}})
    add(value, count);
  bytes += "data";
  add(2 * kFrames, 4);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const double t = i, sample = std::sin(t * (0.05 + t * 4e-6)) * std::exp(-std::fmod(t, 4000) / 2000);
    add(static_cast<std::uint16_t>(static_cast<std::int16_t>(std::lround(20000 * sample))), 2);
  }
  std::ofstream(file, std::ios::binary) << bytes;
  return folder.path();
}

// A prior stands on a trained run: tests/system/graphs_test.sh makes one for it.
bool needs_a_run(const fs::path& file) {
  std::ifstream text(file);
  const std::string all{std::istreambuf_iterator<char>(text), {}};
  return all.find("weights: \"${run}\"") != std::string::npos;
}

Form form_of(const std::string& name) {
  const std::string narrow = "{filters: 8, hidden: 32}", sprites = "data:sprites:size=28,count=400";
  const Form convolutional{{"data.count=400", "nodes.encoder.vars=" + narrow, "nodes.decoder.vars=" + narrow}};
  const Form connected{{sprites, "vars.hidden=64"}};
  const Form recurrent{{sprites, "vars.channels=8", "vars.layers=2", "vars.pixel_channels=4"}};
  // The features that reconstructions are compared by change as the discriminator learns: look at the pixels.
  const Texts adversarial = {"data:sprites:size=16,count=400",
                             "vars.size=16",
                             "vars.channels=1",
                             "vars.filters=8",
                             "vars.features=4",
                             "vars.hidden=32",
                             "vars.discriminator_hidden=16",
                             "vars.latent=8"};
  // The features that reconstructions are compared by change as the discriminator learns: look at the pixels.
  const Form game{adversarial, "pixels", "../tests/models/graphs/vae-gan-pixels.yaml"};
  Texts small_codes = {"vars.colors=1", "vars.channels=16", "vars.hidden=8",
                       "vars.units=1",  "vars.codes=32",    "vars.dim=8"};
  Form quantized{small_codes, "reconstruction"};
  quantized.overrides.insert(quantized.overrides.begin(), {"data:sprites:size=16,count=400", "vars.size=16"});
  Texts quantized_deeper = small_codes;
  quantized_deeper.insert(quantized_deeper.begin(), {"data:sprites:size=32,count=400", "vars.size=32"});
  const std::map<std::string, Form> forms = {
      {"beta-tcvae", convolutional},
      {"beta-vae", convolutional},
      {"categorical-vae", convolutional},
      {"hyperspherical-vae", convolutional},
      {"squeeze-excitation-vae", convolutional},
      {"sprites", {{"data.count=400", "vars.filters=8", "vars.hidden=32"}}},
      {"finite-scalar-vae",
       {{"data.count=400", "vars.size=16", "vars.channels=16", "vars.hidden=8"}, "reconstruction"}},
      {"beta-vae-capacity", {convolutional.overrides, "reconstruction"}},
      {"conditional-vae",
       {{"data:sprites:size=28,count=400", "vars.hidden=64",
         "nodes.label={type: categorical_prior, classes: 10, order: in_turn, dtype: null}"}}},
      {"delta-vae", recurrent},
      {"delta-vae-standard-prior", recurrent},
      {"iwae", {{sprites, "vars.hidden=64", "vars.samples=4"}}},
      {"pixelcnn",
       {{"data:sprites:size=16,count=400", "vars.size=16", "vars.channels=8", "vars.layers=2", "vars.levels=2",
         "nodes.label={type: categorical_prior, classes: 10, order: in_turn, dtype: null}"}}},
      {"ppca", {{"data.count=2000", "train.optimizer.lr=1e-2"}}},
      {"table-vae", {{"data:gaussian:features=8,count=2000", "train.optimizer.lr=1e-2"}}},
      {"vae", convolutional},
      {"vae-gan", game},
      {"vae-gan-without-game", {adversarial}},
      {"vae-mnist", connected},
      {"vq-vae", quantized},
      {"vq-vae-2", {quantized_deeper, "reconstruction"}},
      {"vq-vae-audio",
       {{"data:audio:" + sounds() + ",length=512", "vars.length=512", "vars.channels=8", "vars.codes=16", "vars.dim=4",
         "vars.decoder_channels=8", "vars.skip=8", "vars.stacks=1", "vars.depth=4", "train.optimizer.lr=2e-3",
         "nodes.speaker={type: categorical_prior, classes: 6, order: in_turn, dtype: null}"}}},
      {"vq-vae-loss", quantized},
      {"wae-mmd", connected},
  };
  const auto it = forms.find(name);
  BOOST_REQUIRE_MESSAGE(it != forms.end(), "write a small form of graphs/" + name + ".yaml into form_of()");
  return it->second;
}

struct Window {
  double mean = 0, error = 0;  // standard error of the mean
  explicit Window(std::span<const double> values) {
    const auto n = static_cast<double>(values.size());
    for (const double value : values) mean += value / n;
    for (const double value : values) error += (value - mean) * (value - mean) / (n * (n - 1));
    error = std::sqrt(error);
  }
};

void check_learning(const fs::path& file) {
  const std::string name = file.stem().string();
  BOOST_TEST_CONTEXT(name) {
    Form form = form_of(name);
    form.overrides.emplace_back("train.batch=16");
    if (form.graph.empty()) form.graph = fs::relative(file, fs::path(LOOM_SOURCE_DIR) / "graphs").string();
    const auto session = small_session(form.graph, form.overrides);
    std::vector<double> losses;
    for (int i = 0; i < 200; ++i) {
      const StepReport report = session->step();
      BOOST_TEST(!report.skipped);
      losses.push_back(form.term.empty() ? report.loss : term_of(*session, report, form.term));
    }
    const std::span<const double> all(losses);
    const Window first(all.first(20)), last(all.last(20));
    BOOST_TEST_MESSAGE(
        fmt::format("{}: {:.3f} +- {:.3f} to {:.3f} +- {:.3f}", name, first.mean, first.error, last.mean, last.error));
    BOOST_TEST(last.mean < first.mean - 3 * std::hypot(first.error, last.error));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(learning)

BOOST_AUTO_TEST_CASE(the_loss_of_every_graph_falls) {
  int graphs = 0;
  for (const char* folder : {"graphs", "graphs/baselines"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(fs::path(LOOM_SOURCE_DIR) / folder)) {
      if (entry.path().extension() == ".yaml" && !needs_a_run(entry.path())) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) check_learning(file);
    graphs += static_cast<int>(files.size());
  }
  BOOST_TEST(graphs >= 17);
}

BOOST_AUTO_TEST_SUITE_END()
