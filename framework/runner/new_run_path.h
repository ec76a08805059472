// The folder of a new run: the one that --out names, or runs/NAME-N.
//
// Ownership: a NewRunPath that is not kept removes the empty folder that it made. Thread safety: one thread; several
// processes that start at once get different folders. Errors: run_exists (--out), write_failed.
#pragma once

#include <string>

namespace loom::runner {

class NewRunPath {
 public:
  // `out`: of --out; "": runs/NAME-N below the working folder, with the graph's name and the smallest N that is free.
  NewRunPath(const std::string& out, const std::string& graph_name);
  ~NewRunPath();
  NewRunPath(const NewRunPath&) = delete;
  NewRunPath& operator=(const NewRunPath&) = delete;

  const std::string& path() const { return path_; }
  void keep() { made_ = false; }  // it is a run now

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace loom::runner
