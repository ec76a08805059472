// A graph opens at the size of the data; recordings are encoded and reconstructed whole, as one long piece would be.
#include "generate/whole_recordings.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "generate/encodings.h"
#include "generate/fit_inputs.h"
#include "generate/sampling.h"
#include "io/wav.h"
#include "loom/error.h"
#include "loom/trainer.h"
#include "train/scratch_folder.h"

namespace loom {
namespace {

// Convolutions over positions, four samples to a code; what is before and after a piece matters to its codes.
constexpr const char* kGraph = R"(version: 1
graph: sounds
nodes:
  x:    {type: input, shape: [64, 1]}
  h:    {type: conv, in: x, filters: 8, kernel: 9, padding: same, activation: relu}
  code: {type: conv, in: h, filters: 4, kernel: 4, stride: 4}
  up:   {type: conv_transpose, in: code, filters: 8, kernel: 4, stride: 4, activation: relu}
  mean: {type: conv, in: up, filters: 1, kernel: 5, padding: same}
losses:
  reconstruction: {type: squared_error, in: {x: mean, target: x}}
train: {batch: 4, steps: 2}
generate:
  encode:      {show: code}
  reconstruct: {show: mean}
)";

struct Sounds {
  check::ScratchFolder folder;
  std::string run = folder.file("run");

  Sounds() {
    std::ofstream(folder.file("g.yaml")) << kGraph;
    std::filesystem::create_directories(folder.file("short"));
    for (int i = 0; i < 6; ++i) write(fmt::format("short/{}.wav", i), 128, i);
    Trainer trainer(folder.file("g.yaml"), {.data = "audio:" + folder.file("short") + ",length=64", .out = run});
    trainer.train();
  }
  std::string write(const std::string& name, std::int64_t frames, int number, std::int64_t rate = 8000) const {
    Tensor sound(DType::f32, {1, frames, 1});
    for (std::int64_t i = 0; i < frames; ++i)
      sound.values()[static_cast<std::size_t>(i)] =
          0.5F * std::sin(0.01F * static_cast<float>((number + 2) * i)) * std::cos(0.003F * static_cast<float>(i));
    write_wav(folder.file(name), sound, rate);
    return folder.file(name);
  }
};

// The first fetched port of the only item.
std::vector<float> codes_of(ModelSource model, const DataEntry& data) {
  Executor executor(1);
  const auto source = model.open(data, "all");
  model.fit(*source);
  std::vector<float> codes;
  encode_items(
      model, executor, require_encodings(model, {}), {.source = source}, [](std::int64_t) {},
      [&](std::size_t, const TensorView& rows) {
        codes.insert(codes.end(), rows.values().begin(), rows.values().end());
      });
  return codes;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recordings, Sounds)

BOOST_AUTO_TEST_CASE(codes_are_those_of_one_long_piece) {
  const std::string file = write("long.wav", 64 * 30, 3);
  const ModelSource model(run);
  const auto whole = whole_recordings(model, model.data("audio:" + file), "all");
  BOOST_REQUIRE(whole.size() == 1U);
  BOOST_TEST(whole[0].frames == 64 * 30);
  const std::vector<float> codes = codes_of(ModelSource(run), whole[0].data),
                           once = codes_of(ModelSource(run), model.data("audio:" + file + ",length=1920")),
                           pieces = codes_of(ModelSource(run), model.data("audio:" + file));
  BOOST_TEST(codes.size() == 1920U);  // 480 codes of 4 values
  BOOST_TEST(codes == once, boost::test_tools::per_element());
  BOOST_TEST(codes != pieces);  // which have seams
}

BOOST_AUTO_TEST_CASE(a_recording_has_its_own_length) {
  const std::string file = write("odd.wav", 1000, 5);
  ModelSource model(run);
  const auto whole = whole_recordings(model, model.data("audio:" + file), "all");
  BOOST_TEST(whole[0].frames == 1000);
  BOOST_TEST(whole[0].rounded == 1024);
  model.fit(*model.open(whole[0].data, "all"));
  Executor executor(1);
  const Reconstructions pairs =
      reconstruct(model, executor, reconstruction_entry(model, "reconstruct"), whole[0].data, "all", 1, 1);
  BOOST_TEST(pairs.reconstructions.shape()[1] == 1024);
  BOOST_TEST(model.sample_rate("") == 8000);
  // Several recordings, each by itself, in the order of the split.
  BOOST_TEST(whole_recordings(model, model.data(""), "all").size() == 6U);
}

BOOST_AUTO_TEST_CASE(another_rate_is_refused) {
  const std::string file = write("fast.wav", 640, 1, 16000);
  const ModelSource model(run);
  BOOST_CHECK_EXCEPTION(model.open(model.data("audio:" + file), "all"), Error, [](const Error& error) {
    const std::string text = error.what();
    return text.find("16000 Hz") != std::string::npos && text.find("8000 Hz") != std::string::npos;
  });
  BOOST_TEST(model.open(model.data("audio:" + file + ",resample=true"), "all")->sample_rate() == 8000);
}

BOOST_AUTO_TEST_CASE(a_graph_of_a_fixed_size_stays) {
  Document document = parse_document(R"(version: 1
graph: fixed
nodes:
  x:    {type: input, shape: [64, 1]}
  flat: {type: flatten, in: x}
  code: {type: linear, in: flat, units: 4}
)",
                                     "fixed.yaml", ".");
  const ModelSource model(run);
  const std::vector<Column> columns = {{"x", DType::f32, {128, 1}}};
  const Document fitted = fit_inputs(document, model.registry(), columns);
  BOOST_TEST(fitted.nodes[0].options.at("shape").value.text() == document.nodes[0].options.at("shape").value.text());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom
