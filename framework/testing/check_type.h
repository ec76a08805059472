// Checks a type of a plugin as `graph-runner check` does: a node is built on small shapes derived from its declaration,
// its gradients are compared with central differences, shards with the whole batch, many threads with one; a data set
// is opened, and read twice.
//
//   const loom::testing::CheckTable table = loom::testing::check_type(registry.node("acme.huber"));
//   if (!table.ok()) std::puts(table.text().c_str());
//
// Thread safety: one thread (a check starts its own). Errors: the checks themselves never throw; what the type throws
// is a failed row.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "graph/registry.h"
#include "testing/allocation_counter.h"
#include "testing/check_table.h"

namespace loom::testing {

struct TypeCheck {
  Options options;                      // those left out have their defaults, or values of their declared range
  std::map<std::string, Shape> shapes;  // of inputs, samples first; those left out get small ones that fit
  std::int64_t samples = 4;
  std::int64_t classes = 2;  // inputs of codes hold 0 to this - 1
  std::uint64_t seed = 1;
  bool training = true;  // false: as in evaluation alone
  bool strict = false;   // a call that allocates fails
  double tolerance = 2e-3;
  int elements = 24;  // of each tensor, compared with differences
  int shards = 16, threads = 8;
  AllocationCounter* allocations = nullptr;  // null: not counted
};

CheckTable check_type(const std::shared_ptr<const NodeType>& type, const TypeCheck& settings = {});
CheckTable check_type(const std::shared_ptr<const DatasetType>& type, const TypeCheck& settings = {});

}  // namespace loom::testing
