#include "runner/new_run_path.h"

#include <fmt/format.h>

#include <filesystem>

#include "loom/error.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRuns = "runs";
constexpr int kMostRuns = 1'000'000;  // of one name; the folder is full long before

// A name of a file: what a shell would need quotes for becomes "-".
std::string file_name_of(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    out += plain ? c : '-';
  }
  const std::size_t start = out.find_first_not_of("-.");
  return start == std::string::npos ? "run" : out.substr(start);
}

}  // namespace

NewRunPath::NewRunPath(const std::string& out, const std::string& graph_name) : path_(out) {
  if (!out.empty()) {
    RunFolder::check_free(out);
    return;
  }
  const std::string start = fmt::format("{}/{}-", kRuns, file_name_of(graph_name));
  std::error_code problem;
  fs::create_directories(kRuns, problem);
  // Making the folder claims it: of two processes only one makes it.
  for (int n = 1; !problem && n < kMostRuns; ++n) {
    path_ = start + std::to_string(n);
    made_ = fs::create_directory(path_, problem);
    if (made_) return;
  }
  throw Error(ErrorCode::write_failed, fmt::format("cannot make a folder {}N: {}", start, problem.message()),
              "give --out RUN");
}

NewRunPath::~NewRunPath() {
  std::error_code ignored;
  if (made_) fs::remove(path_, ignored);  // only if it is empty
}

}  // namespace loom::runner
