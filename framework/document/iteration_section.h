// The keys of `iterate`, declared once: reading, writing, schema and documentation follow.
//
// Thread safety: functions of their arguments. Errors: findings go to the diagnostics.
#pragma once

#include <string>
#include <vector>

#include "document/iteration_entry.h"
#include "document/section_type.h"
#include "document/value.h"

namespace loom {

// The keys that name ports, and whether one must be there.
struct IterationPort {
  const char* key;
  Reference IterationEntry::*port;
  bool required;
};
const std::vector<IterationPort>& iteration_ports();

const SectionType<IterationEntry>& iteration_section();

// One map, or a list of them; the references are as they are written.
std::vector<IterationEntry> read_iterations(const Value& value, const std::string& owner, Diagnostics& diagnostics);
OptionValue iterations_tree(const std::vector<IterationEntry>& entries);

}  // namespace loom
