// A run reads other data as its own: the same codes, labels by name, pictures in the units of the data; and runs of the
// format before this one still open.
#include <png.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "generate/encodings.h"
#include "generate/sampling.h"
#include "loom/error.h"
#include "loom/trainer.h"
#include "train/scratch_folder.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 8;
constexpr const char* kGraph = R"(version: 1
graph: pictures
nodes:
  x:      {type: input, shape: [8, 8, 3]}
  label:  {type: input, shape: [], dtype: i32}
  name:   {type: embedding, in: label, count: 3, dim: 4}
  flat:   {type: flatten, in: x}
  both:   {type: concat, in: [flat, name]}
  q:      {type: gaussian_parameters, in: both, dim: 3}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  out:    {type: linear, in: z, units: 192}
  mean:   {type: reshape, in: out, shape: [8, 8, 3]}
  thrice: {type: repeat, in: q.mu, times: 3}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 4, steps: 3}
generate:
  sample:      {draw: {z: {type: standard_normal}}, show: mean}
  reconstruct: {show: mean}
)";

void write_picture(const std::string& path, int number) {
  fs::create_directories(fs::path(path).parent_path());
  std::vector<png_byte> pixels;
  for (int i = 0; i < kSide * kSide * 3; ++i)
    pixels.push_back(static_cast<png_byte>((i * 7 + number * 31 + (i % 3) * 50) % 256));
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = kSide;
  image.format = PNG_FORMAT_RGB;
  BOOST_REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) != 0);
}

struct Pictures {
  check::ScratchFolder folder;
  std::string graph = folder.file("g.yaml"), run = folder.file("run");

  Pictures() {
    std::ofstream(graph) << kGraph;
    for (int i = 0; i < 18; ++i)
      write_picture(folder.file(fmt::format("all/{}/{}.png", i % 3 == 0 ? "cat" : i % 3 == 1 ? "dog" : "owl", i)), i);
    for (int i = 1; i < 18; i += 3) write_picture(folder.file(fmt::format("some/dog/{}.png", i)), i);
    Trainer trainer(graph, {.data = "images:" + folder.file("all") + ",size=8,normalize=dataset",
                            .out = run,
                            .overrides = {"data.holdout=6"}});
    trainer.train();
  }
};

struct Encoded {
  std::map<std::string, std::vector<float>> codes;  // by the file's name
  std::map<std::string, std::int32_t> labels;
};

Encoded encoded(const ModelSource& model, const std::string& data) {
  Executor executor(1);
  Encoded result;
  const auto source = model.open(model.data(data), "all");
  const Encodings wanted = require_encodings(model, {});
  encode_items(
      model, executor, wanted, {.source = source, .columns = {"label"}}, [](std::int64_t) {},
      [&](std::size_t i, const TensorView& rows) {
        for (std::int64_t n = 0; n < rows.samples(); ++n) {
          const std::string name = fs::path(source->origin(n).file).filename().string();
          if (i == 0) {
            const auto row = rows[n];
            result.codes[name].assign(row.begin(), row.end());
          } else {
            result.labels[name] = rows.values<std::int32_t>()[static_cast<std::size_t>(n)];
          }
        }
      });
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_of_a_run)

// Each item of a port with several rows per sample has all of its rows.
BOOST_FIXTURE_TEST_CASE(rows_of_an_item_stay_together, Pictures) {
  const ModelSource model(run);
  const Encodings wanted = require_encodings(model, {"thrice", "q.mu"});
  BOOST_TEST(wanted.event(0).text() == "[3, 3]");
  BOOST_TEST(wanted.event(1).text() == "[3]");
  Executor executor(1);
  std::map<std::size_t, std::vector<float>> values;
  encode_items(
      model, executor, wanted, {.source = model.open(model.data(""), "all")}, [](std::int64_t) {},
      [&](std::size_t i, const TensorView& rows) {
        BOOST_TEST(rows.shape().event().text() == wanted.event(i).text());
        std::ranges::copy(rows.values(), std::back_inserter(values[i]));
      });
  BOOST_TEST_REQUIRE(values[1].size() == 18U * 3);
  BOOST_TEST_REQUIRE(values[0].size() == 18U * 9);
  for (std::size_t k = 0; k < values[0].size(); ++k) BOOST_TEST(values[0][k] == values[1][k / 9 * 3 + k % 3]);
}

BOOST_FIXTURE_TEST_CASE(other_pictures_are_read_as_the_runs, Pictures) {
  const ModelSource model(run);
  BOOST_REQUIRE(model.card() != nullptr);
  BOOST_TEST(model.card()->find("label")->column.classes.size() == 3U);
  const Encoded all = encoded(model, ""), some = encoded(model, "images:" + folder.file("some"));
  BOOST_TEST(all.codes.size() == 18U);
  BOOST_TEST(some.codes.size() == 6U);
  for (const auto& [name, codes] : some.codes) {
    BOOST_TEST(codes == all.codes.at(name));
    BOOST_TEST(some.labels.at(name) == 1);
    BOOST_TEST(all.labels.at(name) == 1);
  }
  write_picture(folder.file("other/dgo/1.png"), 1);
  BOOST_CHECK_EXCEPTION(encoded(model, "images:" + folder.file("other")), Error, [](const Error& error) {
    const std::string text = error.what();
    return text.find("'dgo'") != std::string::npos && text.find("did you mean 'dog'") != std::string::npos;
  });
}

BOOST_FIXTURE_TEST_CASE(pictures_are_in_the_units_of_the_data, Pictures) {
  const ModelSource model(run);
  Executor executor(1);
  const Reconstructions pairs = reconstruct(model, executor, reconstruction_entry(model, "reconstruct"),
                                            model.data("images:" + folder.file("some")), "all", 6, 1);
  const auto source = model.open(model.data("images:" + folder.file("some")), "all");
  for (std::int64_t n = 0; n < 6; ++n) {
    const int number = std::stoi(fs::path(source->origin(n).file).stem().string());
    const auto original = pairs.originals.view()[n];
    for (int i = 0; i < kSide * kSide * 3; ++i) {
      const int stored = (i * 7 + number * 31 + (i % 3) * 50) % 256;
      BOOST_TEST(std::abs(original[static_cast<std::size_t>(i)] - static_cast<float>(stored) / 255) < 1e-5F);
    }
  }
  // A checkpoint alone says the same.
  const ModelSource file(graph, {.weights = run + "/checkpoints/step-000003.safetensors"});
  BOOST_REQUIRE(file.card() != nullptr);
  BOOST_TEST(file.card()->find("x")->mean == model.card()->find("x")->mean);
}

BOOST_FIXTURE_TEST_CASE(the_run_says_what_was_run, Pictures) {
  const std::string text = [&] {
    std::ifstream stream(run + "/graph.yaml");
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }();
  for (const char* part : {"type: images", "holdout: 6", "normalize: dataset", "steps: 3"})
    BOOST_TEST(text.find(part) != std::string::npos, part << " is not in " << text);
  BOOST_TEST(fs::exists(run + "/data.json"));
  fs::remove(run + "/data.json");
  BOOST_CHECK_EXCEPTION(ModelSource{run}, Error, [](const Error& error) {
    return std::string(error.what()).find("data.json is missing") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_run_of_format_1_opens_and_resumes) {
  const check::ScratchFolder folder;
  const std::string run = folder.file("run");
  fs::copy(LOOM_SOURCE_DIR "/tests/golden/run-format-1", run, fs::copy_options::recursive);
  {
    const Model model(run);
    BOOST_TEST(model.sample(3).shape()[0] == 3);
    const ModelSource source(run);
    BOOST_TEST(source.card() == nullptr);
    BOOST_TEST(source.open(source.data(""), "test")->size() == 6);
  }
  BOOST_CHECK_THROW(Trainer::resume(run, {.steps = 6}), Error);  // its kernels gave other bits
  Trainer trainer = Trainer::resume(run, {.steps = 6, .algorithms = "transformed"});
  BOOST_TEST(trainer.steps_done() == 3);
  BOOST_TEST((trainer.train() == TrainResult::completed));
  BOOST_TEST(fs::exists(run + "/checkpoints/step-000006.safetensors"));
  // It has become a run of the present format.
  const ModelSource source(run);
  BOOST_TEST(source.card() != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom
