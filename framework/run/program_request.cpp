#include "run/program_request.h"

#include <fmt/format.h>

#include "loom/error.h"

namespace loom {

TapeRequest tape_request(const ProgramRequest& request, const ParameterStore& store) {
  TapeRequest tape;
  tape.training = request.training;
  tape.feeds = request.feeds;
  tape.terms = request.terms;
  tape.fetch = request.fetch;
  tape.input_gradients = request.input_gradients;
  for (const ObjectiveRequest& objective : request.objectives) {
    TapeObjective& out = tape.objectives.emplace_back();
    for (int term : objective.terms) out.terms.push_back(request.terms[static_cast<std::size_t>(term)]);
    for (int parameter : objective.parameters) out.parameters.push_back(store.at(parameter).path);
  }
  return tape;
}

void check_step_input(const Graph& graph, const ProgramRequest& request, const StepInput& input) {
  const auto fail = [](std::string message, std::string got, std::string expected) {
    Diagnostic finding;
    finding.code = ErrorCode::bad_feed;
    finding.message = std::move(message);
    finding.got = std::move(got);
    finding.expected = std::move(expected);
    throw Error(std::move(finding));
  };
  if (input.samples < 1 || input.samples > request.batch) {
    fail("the number of samples does not fit the program", fmt::format("{}", input.samples),
         fmt::format("1 to {}", request.batch));
  }
  if (input.feeds.size() != request.feeds.size() || input.weights.size() != request.objectives.size()) {
    fail("the feeds do not match the program",
         fmt::format("{} feeds, {} objectives", input.feeds.size(), input.weights.size()),
         fmt::format("{} feeds, {} objectives", request.feeds.size(), request.objectives.size()));
  }
  for (std::size_t i = 0; i < input.feeds.size(); ++i) {
    const Shape& shape = graph.shape(request.feeds[i]);
    std::int64_t samples = input.samples;
    if (input.feeds_repeat && shape.per_sample() && input.feeds[i].shape().rank() == shape.rank()) {
      const std::int64_t held = input.feeds[i].shape()[0] / -shape[0];
      if (held > 0 && held % request.shard == 0) samples = std::min(samples, held);
    }
    const Shape expected = shape.at_batch(samples);
    const DType dtype = graph.dtype(request.feeds[i]);
    if (input.feeds[i].shape() == expected && input.feeds[i].dtype() == dtype) continue;
    fail(fmt::format("the value fed to '{}' does not fit", graph.name_of(request.feeds[i])),
         fmt::format("{} {}", name_of(input.feeds[i].dtype()), input.feeds[i].shape().text()),
         fmt::format("{} {}", name_of(dtype), expected.text()));
  }
}

}  // namespace loom
