// What checking a whole document finds beyond the errors of its nodes.
#include "train/check_document.h"

#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"

using namespace loom;
using namespace loom::check;

namespace {

// An autoencoder that halves `size` pixels `times` times and doubles them again; the decoder is compared with x.
Document halving(int size, int times) {
  std::string nodes = fmt::format("  x: {{type: input, shape: [{0}, {0}, 1]}}\n", size), last = "x";
  for (int i = 0; i < 2 * times; ++i) {
    const char* type = i < times ? "conv" : "conv_transpose";
    nodes += fmt::format("  n{}: {{type: {}, in: {}, filters: 1, kernel: 4, stride: 2, padding: 1}}\n", i, type, last);
    last = fmt::format("n{}", i);
  }
  return parse_document("version: 1\ngraph: halving\nnodes:\n" + nodes +
                            "losses:\n  r: {type: squared_error, in: {x: " + last + ", target: x}}\n",
                        "halving.yaml", ".");
}

std::vector<Diagnostic> findings_of(const Document& document) {
  Diagnostics findings;
  check_document(document, standard_registry(), findings);
  return findings.items();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_checks)

BOOST_AUTO_TEST_CASE(extents_that_do_not_fit_say_which_multiple_would) {
  BOOST_TEST(findings_of(halving(32, 3)).empty());
  for (const auto& [size, times, multiple, next] :
       {std::tuple{100, 3, 8, 104}, {30, 2, 4, 32}, {7, 1, 2, 8}, {100, 4, 16, 112}}) {
    const std::vector<Diagnostic> findings = findings_of(halving(size, times));
    BOOST_REQUIRE_EQUAL(findings.size(), 1U);
    BOOST_TEST((findings[0].code == ErrorCode::shape_mismatch));
    BOOST_TEST(findings[0].hint == fmt::format("extents that are multiples of {} fit: the next is [{}, {}, 1] of 'x'",
                                               multiple, next, next));
  }
}

// A target of a fixed size fits one extent only, which is no rule about multiples.
BOOST_AUTO_TEST_CASE(a_size_that_fits_once_is_not_a_multiple) {
  const Document document = parse_document(
      "version: 1\ngraph: fixed\nnodes:\n  x: {type: input, shape: [60, 3]}\n"
      "  c: {type: constant, shape: [64, 3], value: 1}\n"
      "losses:\n  r: {type: squared_error, in: {x: x, target: c}}\n",
      "fixed.yaml", ".");
  const std::vector<Diagnostic> findings = findings_of(document);
  BOOST_REQUIRE(!findings.empty());
  for (const Diagnostic& finding : findings) BOOST_TEST(finding.hint.find("multiples") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
