// What nodes say of other nodes (RelatedNode) is true of those: types, ports and options exist.
#include <algorithm>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

bool has_option(const Contract& contract, const std::string& name) {
  const auto names = contract.option_names();
  return std::ranges::find(names, name) != names.end();
}

void expect_true_of(const std::string& name, const Contract& contract, const RelatedNode& related) {
  const auto type = standard_registry().node(related.type);
  BOOST_REQUIRE_MESSAGE(type != nullptr, name << " names the type '" << related.type << "'");
  for (const auto& [input, source] : related.inputs) {
    BOOST_TEST(type->contract.input_index(input) >= 0, name << ": " << related.type << " has no input " << input);
    BOOST_TEST((contract.input_index(source) >= 0 || contract.output_index(source) >= 0), name << " has no " << source);
  }
  for (const auto& [option, value] : related.options) BOOST_TEST(has_option(type->contract, option), name);
  for (const auto& [option, letter] : related.extents) BOOST_TEST(has_option(type->contract, option), name);
  for (const std::string& option : related.same_options) {
    BOOST_TEST(has_option(type->contract, option), name << ": " << related.type << " has no option " << option);
    BOOST_TEST(has_option(contract, option), name << " has no option " << option);
  }
  for (const PortDeclaration& input : type->contract.inputs()) {
    const auto is_it = [&](const auto& pair) { return pair.first == input.name; };
    BOOST_TEST((input.is_optional || std::ranges::any_of(related.inputs, is_it)),
               name << " leaves out the input " << input.name << " of " << related.type);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(related_nodes)

BOOST_AUTO_TEST_CASE(of_every_standard_node) {
  int found = 0;
  for (const std::string& name : standard_registry().node_names()) {
    const Contract& contract = standard_registry().node(name)->contract;
    for (const auto* related : {&contract.mean_by(), &contract.drawn_by(), &contract.looked_up_by()}) {
      if (!*related) continue;
      expect_true_of(name, contract, **related);
      ++found;
    }
    BOOST_TEST((contract.mean().empty() || contract.input_index(contract.mean()) >= 0), name);
  }
  BOOST_TEST(found >= 11);
}

// A likelihood is shown by its mean or by draws, and a quantizer's codes can be decoded.
BOOST_AUTO_TEST_CASE(of_every_likelihood_and_quantizer) {
  for (const std::string& name : standard_registry().node_names()) {
    const Contract& contract = standard_registry().node(name)->contract;
    if (contract.role() == Role::likelihood) BOOST_TEST((contract.drawn_by().has_value()), name);
    if (contract.role() == Role::quantizer) BOOST_TEST((contract.looked_up_by().has_value()), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
