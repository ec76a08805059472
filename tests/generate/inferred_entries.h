// What the tests of inferred `generate` entries share: models as text, and comparisons of their samples.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "loom/error.h"
#include "loom/model.h"

namespace loom {

struct Entry {
  std::string name, text;  // "sample", "{show: mean}"
};

inline std::string with(const std::string& model, const std::vector<Entry>& entries) {
  std::string text = "version: 1\ngraph: m\n" + model;
  if (!entries.empty()) text += "generate:\n";
  for (const Entry& entry : entries) text += "  " + entry.name + ": " + entry.text + "\n";
  return text;
}

inline Model model_of(const std::string& model, const std::vector<Entry>& entries = {}) {
  return Model(DocumentText{with(model, entries)}, {.threads = 2});
}

inline bool same(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  return std::memcmp(a.view().raw(), b.view().raw(), a.view().bytes()) == 0;
}

inline bool moves(const Tensor& values) {
  const auto* bytes = static_cast<const unsigned char*>(values.view().raw());
  const std::size_t each = values.view().rows(0, 1).bytes();
  return std::memcmp(bytes, bytes + each, each) != 0;
}

// The samples of the model with and without its entry.
inline void expect_same_samples(const std::string& model, const std::string& entry, const std::string& inferred = "",
                                const DrawOptions& draws = {}) {
  const std::vector<Entry> left = inferred.empty() ? std::vector<Entry>{} : std::vector<Entry>{{"sample", inferred}};
  const Tensor written = model_of(model, {{"sample", entry}}).sample(13, {.seed = 3});
  const Tensor found = model_of(model, left).sample(13, {.seed = 3, .draws = draws});
  BOOST_TEST(same(written, found), "inferred samples are not those of " << entry);
  BOOST_TEST(moves(found));
}

// The message with what it hints at; "" if there is none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const Diagnostic& first = error.diagnostics().front();
    return first.message + " / " + first.hint;
  }
  return "";
}

inline bool has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  BOOST_TEST_MESSAGE("got: " << text);
  return false;
}

inline const std::string kEncoder = R"(nodes:
  x:      {type: input, shape: [6]}
  q:      {type: gaussian_parameters, in: x, dim: 3}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  out:    {type: linear, in: z, units: 6}
)";
inline const std::string kGaussian = kEncoder + R"(losses:
  rec: {type: gaussian_nll, in: {mean: out, target: x}, sigma: 0.5}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";
inline const std::string kBernoulli = kEncoder + R"(  p: {type: activation, in: out, function: sigmoid}
losses:
  rec: {type: bernoulli_nll, in: {logits: out, target: x}}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";

}  // namespace loom
