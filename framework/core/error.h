// The one exception type of Latentloom, and the list of findings it carries.
//
// A Diagnostic is one thing that is wrong: a stable code, where it stands, what was got, what was expected, the
// nearest valid name and a hint. Checks append to a Diagnostics list and throw once, at the end of their pass, so
// that a user sees everything that is wrong with a document at once.
//
// Thread safety: an Error is immutable once thrown; a Diagnostics list belongs to one thread.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "core/error_codes.h"

namespace loom {

// A place in a text file. line and column count from 1; line 0 means "the file as a whole" and an empty file
// "no place" (options built in C++).
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  bool known() const { return !file.empty(); }
  std::string text() const;  // "file:line:column"
};

struct Diagnostic {
  ErrorCode code;
  Location where;
  std::string message;     // "[conv] rule, both shapes"
  std::string got;         // what stands there
  std::string expected;    // what may stand there
  std::string suggestion;  // the nearest valid name
  std::string hint;        // what to do about it
  Location other;          // the other end (the producer of an input, the first of two duplicates)
  std::string other_role;  // what stands at the other end: "produced here"

  // One finding as it is printed:
  //   vae.yaml:12:5: error E203 unknown-port: ... (got ..., expected ..., did you mean ...?)
  std::string text() const;
};

// Its virtual functions and its type are this library's, not those of whoever throws: an Error outlives the plugin that
// threw it, whose library may be closed while it is on its way.
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

// Collects findings; throw_if_any() throws all of them as one Error. Beyond `limit` findings it only counts, and the
// Error says how many were left out. The same finding about several instances of one repeat or block is said once.
class Diagnostics {
 public:
  explicit Diagnostics(std::size_t limit = 100) : limit_(limit) {}

  Diagnostic& add(ErrorCode code, Location where, std::string message);
  void add(const Error& error);
  // A place to write a finding that nobody needs: another one has already said what is wrong.
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

// The candidate nearest to `name` by edit distance, or "" where none is near enough to be meant.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace loom
