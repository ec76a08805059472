// Checks the rules for a node of an autoregressive model (loom/advance.h), on small maps of random values:
// - computed position by position, it gives the same result as forward for the whole map, and it reads no position that
//   is not filled yet (inputs beyond their fill are NaN);
// - no output of forward changes by a single bit with an input that is not filled when the output is computed;
// - there is no blind spot: the outputs that change with an input are exactly those that should.
//
//   IncrementalCheck check{.axes = 2, .fills = {{"x", Filled::before}}};
//   check.sees = [](const Glance& g) { return g.from.row <= g.to.row && ...; };
//   BOOST_TEST(check_incremental(tester, check).ok());
//
// Thread safety: one thread at a time. Errors: Error if the options or shapes of the tester are wrong, and the errors
// of filled() and advance().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "loom/check.h"
#include "loom/node.h"

namespace loom::check {

struct Place {
  std::int64_t row = 0, column = 0;
};

// Whether `output` at one position depends on `input` at another.
struct Glance {
  std::string input, output;
  Place from, to;
};

struct IncrementalCheck {
  int axes = 1;                                  // of the positions: 1 of a sequence [N, T, ...], 2 of an image
  std::map<std::string, Filled> fills = {};      // of the inputs that depend on the drawn map; the others are whole
  std::map<std::string, Filled> gives = {};      // the fills of the outputs that are expected; empty: any
  double tolerance = 1e-4;                       // of the values, as compare()
  std::function<bool(const Glance&)> sees = {};  // empty: blind spots are not checked
};

Report check_incremental(const NodeTester& tester, const IncrementalCheck& check);

}  // namespace loom::check
