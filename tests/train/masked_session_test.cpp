// A session on padded recordings: the document gets the mask, and the padding counts nowhere.
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "nodes/data/data_checks.h"
#include "nodes/data/sound_writer.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr const char* kGraph = R"(
version: 1
graph: padded
nodes:
  x:    {type: input, shape: [10, 1]}
  zero: {type: constant, value: 0, shape: [10, 1]}
  w:    {type: linear, in: x, units: 1}
losses:
  nll:   {type: gaussian_nll, in: {mean: zero, target: x}}
  error: {type: squared_error, in: {x: w, target: x}, weight: 0}
train: {batch: 2, steps: 1}
)";

DataEntry recordings(const ScratchFolder& folder, std::int64_t length, const char* tail) {
  return data_entry("audio", {{"path", folder.path()}, {"length", length}, {"tail", tail}});
}

std::unique_ptr<Session> session_of(Document document, DataEntry data) {
  Diagnostics findings;
  return start_session(std::move(document), standard_registry(), {.data = std::move(data), .threads = 1}, findings);
}

double bits(Session& session) { return session.evaluate({.split = "train"}).number("bits_per_dim").value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(masked_session)

BOOST_AUTO_TEST_CASE(padding_counts_nowhere) {
  const ScratchFolder folder;
  for (const char* name : {"a.wav", "b.wav", "c.wav"})
    write_sound(folder.file(name), 14, 1, [](int, int) { return 0.5F; });
  const double expected = (0.5 * 0.25 + 0.5 * std::log(2 * std::numbers::pi)) / std::numbers::ln2;  // of each value
  const auto padded = session_of(parse_document(kGraph, "padded.yaml", "."), recordings(folder, 10, "pad"));
  BOOST_TEST((padded->document().resolved.find("mask: mask") != std::string::npos), padded->document().resolved);
  BOOST_TEST(std::abs(bits(*padded) - expected) < 1e-4);
  // Per item, the loss is that of 10 values and of 4 in turn.
  BOOST_TEST(std::abs(padded->evaluate({.split = "train"}).evidence().value() / std::numbers::ln2 - 7 * expected) <
             1e-3);
  BOOST_TEST(std::isfinite(padded->step().loss));
  // The same document on data without padding: the mask is 1 everywhere.
  const auto whole = session_of(padded->document(), recordings(folder, 10, "drop"));
  BOOST_TEST(std::abs(bits(*whole) - expected) < 1e-4);
  BOOST_TEST(std::isfinite(whole->step().loss));
}

BOOST_AUTO_TEST_SUITE_END()
