// What a change is called in a run's history.
#include "live/difference.h"

#include <boost/test/unit_test.hpp>

using namespace loom;

namespace {

Document with(const std::string& losses, const std::string& rest) {
  return parse_document(R"(
version: 1
nodes:
  x:    {type: input, shape: [4]}
  flat: {type: flatten, in: x}
  h:    {type: linear, in: x, units: 4, activation: relu}
losses:
)" + losses + rest,
                        "test.yaml", "");
}

const char* const kLosses = "  fit: {type: squared_error, in: {x: h, target: x}, weight: 2}\n";
const char* const kTwo = R"(
  other: {type: squared_error, in: {x: h, target: flat}}
objectives:
  encoder: {losses: [fit, other], parameters: "h.*"}
  judge:   {losses: [other], parameters: "x*", only_if: {fit: {above: 0.5}}}
)";

void says(const Document& before, const Document& after, const std::string& text) {
  BOOST_TEST(difference(before, after) == text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(difference_of_documents)

BOOST_AUTO_TEST_CASE(nodes_and_losses) {
  const Document before = with(kLosses, "");
  says(before, with("  fit: {type: squared_error, in: {x: h, target: x}, weight: 0.5}\n", ""),
       "losses.fit.weight is 0.5 instead of 2");
  says(before, with("  fit: {type: gaussian_nll, in: {mean: h, target: x}, weight: 2}\n", ""),
       "losses.fit is gaussian_nll instead of squared_error");
  says(before, with("  fit: {type: squared_error, in: {x: h, target: flat}, weight: 2}\n", ""),
       "losses.fit.in.target is flat instead of x");
  says(before, with("  fit: {type: squared_error, in: {x: h, target: x}, weight: {from: 0, to: 1, over: 9}}\n", ""),
       "losses.fit.weight is a schedule instead of 2");
  says(before, before, "settings");
}

BOOST_AUTO_TEST_CASE(training) {
  const Document before = with(kLosses, "train: {optimizer: {type: adam, lr: 1.0e-3}, steps: 9}\n");
  says(before, with(kLosses, "train: {optimizer: {type: adam, lr: 1.0e-4, beta1: 0.5}, steps: 9}\n"),
       "optimizer.lr is 0.0001 instead of 0.001; optimizer.beta1 is 0.5 instead of its default");
  says(before, with(kLosses, "train: {optimizer: {type: sgd, lr: 1.0e-3}, steps: 9}\n"),
       "optimizer is sgd instead of adam");
  says(before, with(kLosses, "train: {optimizer: {type: adam, lr: 1.0e-3}, steps: 12, clip_norm: 1, keep: 5}\n"),
       "train.steps is 12 instead of 9; train.clip_norm is 1 instead of 0; train.keep is 5 instead of 3");
}

// Each is named, none is only "settings".
BOOST_AUTO_TEST_CASE(every_setting_of_train) {
  for (const char* name : {"steps", "clip_norm", "average", "eval_every", "eval_limit", "checkpoint_every", "keep",
                           "encoder_steps", "encoder_until", "early_stopping", "spike_factor", "skip_limit"}) {
    const char* const value = std::string_view(name) == "average" ? "0.5" : "77";
    const Document changed = with(kLosses, fmt::format("train: {{{}: {}}}\n", name, value));
    BOOST_TEST(difference(with(kLosses, ""), changed).starts_with(fmt::format("train.{} is {}", name, value)), name);
  }
}

BOOST_AUTO_TEST_CASE(objectives) {
  const Document before = with(kLosses, kTwo);
  std::string changed = kTwo;
  const auto replace = [&](const std::string& from, const std::string& to) {
    changed.replace(changed.find(from), from.size(), to);
  };
  replace("[fit, other]", "{fit: 0.1}");
  replace("above: 0.5", "above: 0.7");
  says(before, with(kLosses, changed),
       "objectives.encoder.losses.fit is 0.1 instead of 1; objectives.encoder.losses.other is gone; "
       "objectives.judge.only_if.fit.above is 0.7 instead of 0.5");
}

BOOST_AUTO_TEST_SUITE_END()
