// The only exception type of Latentloom, and the list of diagnostics that it carries.
//
// A Diagnostic is one error: a stable code, the source position, what was found, what was expected, the nearest valid
// name and a hint. Checks append to a Diagnostics list and throw once, at the end of their pass, so that a user sees
// all errors of a document at once.
//
// Thread safety: an Error is immutable once thrown; a Diagnostics list belongs to one thread.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

// Every error code, once. The number is stable: it is never reused and never changes its meaning.
// docs/errors.md explains each code; a test checks this, and that some test provokes each code.
//   E1xx document text   E2xx graph   E3xx running   E4xx data   E5xx files of a run   E6xx plugins   E7xx command line
//   E8xx changing a running training job

// LOOM_ERROR_CODES(X): X(identifier, "number", "short-name")
#define LOOM_ERROR_CODES(X)                                             \
  X(yaml_syntax, "E101", "yaml-syntax")                                 \
  X(duplicate_key, "E102", "duplicate-key")                             \
  X(unknown_key, "E103", "unknown-key")                                 \
  X(missing_key, "E104", "missing-key")                                 \
  X(wrong_type, "E105", "wrong-type")                                   \
  X(out_of_range, "E106", "out-of-range")                               \
  X(bad_expression, "E107", "bad-expression")                           \
  X(unknown_variable, "E108", "unknown-variable")                       \
  X(file_not_found, "E109", "file-not-found")                           \
  X(extends_cycle, "E110", "extends-cycle")                             \
  X(merge_key, "E111", "merge-key")                                     \
  X(document_too_deep, "E112", "document-too-deep")                     \
  X(document_too_large, "E113", "document-too-large")                   \
  X(alias_bomb, "E114", "alias-bomb")                                   \
  X(unsupported_version, "E115", "unsupported-version")                 \
  X(bad_override, "E116", "bad-override")                               \
  X(bad_name, "E117", "bad-name")                                       \
  X(unknown_word, "E118", "unknown-word")                               \
  X(unknown_node_type, "E201", "unknown-node-type")                     \
  X(unknown_option, "E202", "unknown-option")                           \
  X(unknown_port, "E203", "unknown-port")                               \
  X(missing_option, "E204", "missing-option")                           \
  X(missing_input, "E205", "missing-input")                             \
  X(dangling_input, "E206", "dangling-input")                           \
  X(shape_mismatch, "E207", "shape-mismatch")                           \
  X(dtype_mismatch, "E208", "dtype-mismatch")                           \
  X(cycle, "E209", "cycle")                                             \
  X(duplicate_node, "E210", "duplicate-node")                           \
  X(bad_loss_shape, "E211", "bad-loss-shape")                           \
  X(no_loss, "E212", "no-loss")                                         \
  X(bad_weight_sharing, "E213", "bad-weight-sharing")                   \
  X(unknown_objective_parameter, "E214", "unmatched-parameter-pattern") \
  X(not_differentiable, "E215", "not-differentiable")                   \
  X(bad_bypass, "E216", "bad-bypass")                                   \
  X(no_parameters, "E217", "no-parameters")                             \
  X(bad_formula, "E218", "bad-formula")                                 \
  X(node_failed, "E301", "node-failed")                                 \
  X(bad_feed, "E302", "bad-feed")                                       \
  X(bad_fetch, "E303", "bad-fetch")                                     \
  X(not_finite, "E304", "not-finite")                                   \
  X(out_of_memory, "E305", "out-of-memory")                             \
  X(data_not_found, "E401", "data-not-found")                           \
  X(data_truncated, "E402", "data-truncated")                           \
  X(data_corrupt, "E403", "data-corrupt")                               \
  X(data_empty, "E404", "data-empty")                                   \
  X(data_wrong_format, "E405", "data-wrong-format")                     \
  X(data_shape, "E406", "data-shape")                                   \
  X(data_specification, "E407", "data-specification")                   \
  X(run_exists, "E501", "run-exists")                                   \
  X(run_not_found, "E502", "run-not-found")                             \
  X(checkpoint_corrupt, "E503", "checkpoint-corrupt")                   \
  X(checkpoint_mismatch, "E504", "checkpoint-mismatch")                 \
  X(write_failed, "E505", "write-failed")                               \
  X(read_failed, "E506", "read-failed")                                 \
  X(plugin_not_found, "E601", "plugin-not-found")                       \
  X(plugin_mismatch, "E602", "plugin-mismatch")                         \
  X(plugin_duplicate, "E603", "plugin-duplicate")                       \
  X(plugin_invalid, "E604", "plugin-invalid")                           \
  X(plugin_path, "E605", "plugin-path")                                 \
  X(node_check_failed, "E606", "node-check-failed")                     \
  X(usage, "E701", "usage")                                             \
  X(not_supported, "E702", "not-supported")                             \
  X(no_training, "E801", "no-training")                                 \
  X(bad_command, "E802", "bad-command")                                 \
  X(candidate_crashed, "E803", "candidate-crashed")                     \
  X(candidate_timeout, "E804", "candidate-timeout")                     \
  X(candidate_memory, "E805", "candidate-memory")                       \
  X(candidate_not_finite, "E806", "candidate-not-finite")               \
  X(candidate_unfit, "E807", "candidate-unfit")                         \
  X(internal, "E999", "internal")

enum class ErrorCode {
#define X(identifier, number, name) identifier,
  LOOM_ERROR_CODES(X)
#undef X
};

std::string_view error_number(ErrorCode code);  // "E203"
std::string_view error_name(ErrorCode code);    // "unknown-port"

// A position in a text file. line and column count from 1; line 0 means "the file as a whole", and an empty file name
// means "no position" (options built in C++).
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  bool known() const { return !file.empty(); }
  std::string text() const;  // "file:line:column"
  bool operator==(const Location&) const = default;
};

// Another position that a diagnostic is about, and what is there: "'x' makes [N, 64]".
struct OtherEnd {
  Location where;
  std::string role;
  bool operator==(const OtherEnd&) const = default;
};

struct Diagnostic {
  ErrorCode code;
  Location where;
  std::string message;                      // "[conv] rule, both shapes"
  std::string got;                          // what stands there
  std::string expected;                     // what may stand there
  std::string suggestion;                   // the nearest valid name
  std::string hint;                         // what to do about it
  Location other;                           // the other end (the producer of an input, the first of two duplicates)
  std::string other_role;                   // the role of the other end: "produced here"
  std::vector<OtherEnd> further_ends = {};  // where there are more than two
  std::string excerpt = {};                 // lines of a text in which the error is, with a caret below it
  // Where a node reports something about one of its options, whose position it does not know: "outputs.log_det".
  std::string option = {};

  // One more end: the first becomes `other`. The same one twice is said once.
  void add_end(Location place, std::string role);

  // One diagnostic as it is printed:
  //   vae.yaml:12:5: error E203 unknown-port: ... (got ..., expected ..., did you mean ...?)
  std::string text() const;
};

// Its virtual functions and its type are this library's, not those of whoever throws: an Error outlives the plugin that
// threw it, whose library may be closed while it is on its way.
// Its diagnostics are sorted by position: by file, line and column, those without a position last. Longer texts
// than a few thousand bytes are clipped, so that no document makes a message of its own length.
class __attribute__((visibility("default"))) Error : public std::exception {
 public:
  ~Error() override;
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  explicit Error(Diagnostic diagnostic);
  explicit Error(std::vector<Diagnostic> diagnostics);
  Error(ErrorCode code, std::string message, std::string hint = "");

  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  ErrorCode code() const { return diagnostics_.front().code; }
  const char* what() const noexcept override;

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

// Collects diagnostics; throw_if_any() throws all of them as one Error, sorted by position. Beyond `limit`
// diagnostics it only counts, and the Error says how many were left out. The same diagnostic about several instances of
// one repeat or block is reported once.
class Diagnostics {
 public:
  explicit Diagnostics(std::size_t limit = 100) : limit_(limit) {}

  Diagnostic& add(ErrorCode code, Location where, std::string message);
  // `word` is none of `allowed`: the diagnostic lists all of them and the nearest.
  Diagnostic& add_unknown_word(Location where, std::string message, const std::string& word,
                               const std::vector<std::string>& allowed);
  void add(const Error& error);
  // A place for a diagnostic that is not needed, because another diagnostic has already reported the error.
  Diagnostic& discard() { return overflow_ = Diagnostic{}; }
  bool empty() const { return items_.empty(); }
  bool full() const { return items_.size() >= limit_; }
  std::size_t size() const { return items_.size() + left_out_; }
  const std::vector<Diagnostic>& items() const { return items_; }
  void throw_if_any() const;

 private:
  std::size_t limit_;
  std::size_t left_out_ = 0;
  std::vector<Diagnostic> items_;
  Diagnostic overflow_{};
};

// The candidate nearest to `name` by edit distance, or "" if none is near enough.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// The first `bytes` of a text with a note of how long it was, or the whole of a shorter one.
std::string clipped(const std::string& text, std::size_t bytes);

}  // namespace loom
