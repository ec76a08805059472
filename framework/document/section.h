// Strict reading of one map of a document: every key is requested by name, and a key that was not requested is an
// error.
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "document/value.h"
#include "graph/graph_document.h"

namespace loom {

class Section {
 public:
  // `what` names the section in messages ("train"). A value that is not a map is reported and counts as empty.
  Section(const Value& value, std::string what, Diagnostics& diagnostics);

  // The value of a key, or null where it is absent (or null in the text).
  const Value* get(const std::string& key);
  const Value& required(const std::string& key);  // reported if it is absent, and then an empty value

  // Each leaves `out` unchanged if the key is absent or wrong; wrong ones are reported.
  void read(const std::string& key, std::string& out);
  void read(const std::string& key, double& out, double minimum, double maximum = std::numeric_limits<double>::max());
  void read(const std::string& key, std::int64_t& out, std::int64_t minimum,
            std::int64_t maximum = std::numeric_limits<std::int64_t>::max());
  void read(const std::string& key, bool& out);

  // Keys nobody asked for: unknown_key with the nearest of the asked ones. Call it last.
  void finish();
  // The keys nobody asked for so far, for sections whose further keys are free (options of a node).
  std::vector<const Member*> rest() const;

  const Value& value() const { return *value_; }
  const std::string& what() const { return what_; }
  Diagnostics& diagnostics() const { return *diagnostics_; }

 private:
  const Value* value_;
  std::string what_;
  Diagnostics* diagnostics_;
  std::set<std::string> asked_;
};

// A number of the range into `out`, or a diagnostic about `what`.
void read_number(const Value& value, const std::string& what, double& out, double minimum, double maximum,
                 Diagnostics& diagnostics);

// A diagnostic that `value` is not what was expected there.
Diagnostic& wrong_type(const Value& value, const std::string& what, const std::string& expected,
                       Diagnostics& diagnostics);

// `version:` of a file: 1, or E115.
void check_version(const Value& root, Diagnostics& diagnostics);

// [a-z][a-z0-9_-]*, parts separated by '/': E117 otherwise.
bool check_name(const std::string& name, const Location& where, Diagnostics& diagnostics);

// `when:` of a node or loss, train or eval; E118 for another word.
When read_when(const Value& value, Diagnostics& diagnostics);

// A scalar or a list of them as an option; a diagnostic and an empty value for a map.
OptionValue option_value(const Value& value, const std::string& what, Diagnostics& diagnostics);
// The same, or a map of them: an option of a node.
OptionValue node_option_value(const Value& value, const std::string& what, Diagnostics& diagnostics);
OptionEntry read_node_option(const Member& option, const std::string& what, Diagnostics& diagnostics);

}  // namespace loom
