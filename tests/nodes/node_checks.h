// What the tests of the standard nodes share: Boost checks around loom::check.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "check/standard_registry.h"
#include "loom/check.h"
#include "loom/error.h"
#include "loom/math.h"

namespace loom::check {

// The value of an option that is a list of integers.
inline OptionValue list(std::vector<int> items) { return std::vector<OptionValue>(items.begin(), items.end()); }

inline NodeTester node(const std::string& type) { return NodeTester(standard_registry(), type); }

// A run of any check, with its findings as the message.
inline void expect_ok(const Report& report) { BOOST_TEST(report.ok(), report.text()); }

// All golden cases of a node; says so where there is no file.
inline void expect_golden(const std::string& type, const GoldenCheck& check = {}) {
  const std::string path = std::string(LOOM_SOURCE_DIR) + "/tests/golden/" + type + ".npz";
  if (!std::filesystem::exists(path)) {
    BOOST_TEST_MESSAGE("SKIPPED: " + path + " is missing, so '" + type + "' is not compared with PyTorch");
    return;
  }
  expect_ok(check_golden(standard_registry(), type, path, check));
}

// Setting up the node fails with a message that contains `text`.
inline void expect_error(NodeTester& tester, const std::string& text) {
  const std::string error = tester.error();
  BOOST_TEST(error.find(text) != std::string::npos,
             "expected an error with \"" << text << "\", got: " << (error.empty() ? "none" : error));
}

}  // namespace loom::check
