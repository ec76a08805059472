// A graph of graphs/ in a form small enough to train within a test, and what its tests look at.
#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check/standard_registry.h"
#include "train/session.h"

namespace loom::check {

// `settings` are those of --set and, after "data:", that of --data.
inline std::unique_ptr<Session> small_session(const std::string& graph, const std::vector<std::string>& settings) {
  std::vector<Override> overrides;
  SessionSettings session{.threads = 2, .lanes = 2};
  const std::string mark = "data:";
  for (const std::string& text : settings) {
    if (text.starts_with(mark))
      session.data = parse_data_specification(text.substr(mark.size()));
    else
      overrides.push_back(parse_override(text));
  }
  return std::make_unique<Session>(load_document(LOOM_SOURCE_DIR "/graphs/" + graph, overrides), standard_registry(),
                                   session);
}

using Values = std::map<std::string, std::vector<float>>;

// Values of the parameters, not of the states, whose paths begin so.
inline Values parameters_of(Session& session, const std::string& prefix) {
  Values values;
  for (const Parameter& parameter : session.parameters().items()) {
    if (parameter.is_state || !parameter.path.starts_with(prefix)) continue;
    const auto span = parameter.value.values();
    values[parameter.path] = {span.begin(), span.end()};
  }
  BOOST_REQUIRE_MESSAGE(!values.empty(), "there are no parameters " + prefix + "*");
  return values;
}

// How many of the tensors differ in at least one bit.
inline int differing(const Values& a, const Values& b) {
  int count = 0;
  for (const auto& [path, values] : a) count += b.at(path) != values ? 1 : 0;
  return count;
}

// The mean of a term in the step, nats per sample.
inline double term_of(const Session& session, const StepReport& report, const std::string& name) {
  for (std::size_t i = 0; i < report.terms.size(); ++i) {
    if (session.plan().terms[i].name == name) return report.terms[i];
  }
  BOOST_FAIL("there is no term " + name);
  return 0;
}

}  // namespace loom::check
