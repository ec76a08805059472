#include "run/call.h"

namespace loom {

void fill_call(Call& call, const PreparedNode& prepared, const CallPlace& place, const CallData& data) {
  const Prepare& needs = prepared.needs;
  call.contract = needs.contract;
  call.input_views = data.inputs;
  call.output_views = data.outputs;
  call.parameter_views = prepared.parameters;
  call.state_views = prepared.states;
  call.scratch_memory = data.scratch;
  call.saved_memory = data.saved;
  call.packed_memory = {prepared.packed.get(), needs.packed_bytes};
  call.stream = place.stream;
  call.first_sample = place.first_sample;
  call.first_item = place.first_item;
  call.samples = needs.samples;
  call.batch_samples = place.batch_samples;
  call.first_row = place.first_sample * (needs.rows / needs.samples);
  call.rows = needs.rows;
  call.step = place.step;
  call.training = needs.training;
  call.lanes = place.lanes;
}

EndStep end_step_call(const PreparedNode& prepared, RandomStream stream, std::span<const TensorView> tallies,
                      std::span<const EndStep::Sharer> sharers) {
  EndStep call;
  call.sharers = sharers;
  call.contract = prepared.needs.contract;
  call.tally_views = tallies;
  call.state_views = prepared.states;
  call.parameter_views = prepared.parameters;
  call.stream = stream;
  return call;
}

}  // namespace loom
