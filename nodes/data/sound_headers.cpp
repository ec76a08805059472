#include "sound_headers.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/dataset.h"
#include "parallel.h"
#include "sound_files.h"

namespace loom {
namespace {

constexpr std::size_t kShown = 20;       // diagnostics
constexpr std::size_t kNamedSounds = 5;  // files in a notice

std::vector<std::optional<SoundHeader>> read_all(const std::vector<std::string>& paths,
                                                 const std::shared_ptr<const Archive>& archive) {
  std::vector<std::optional<SoundHeader>> headers(paths.size());
  std::atomic<std::size_t> next = 0;
  in_parallel(paths.size(), [&](std::size_t i) {
    try {
      headers[i] = read_sound_header(paths[i], bytes_in(archive, paths[i]));
    } catch (const Error&) {
      headers[i].reset();  // read again below: libsndfile keeps the reason in one place for all threads
    }
  });
  return headers;
}

}  // namespace

SoundHeaders read_sound_headers(const std::vector<std::string>& paths, bool skip,
                                const std::shared_ptr<const Archive>& archive) {
  SoundHeaders found{read_all(paths, archive), ""};
  Diagnostics diagnostics(kShown);
  std::vector<std::string> bad;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (found.files[i]) continue;
    try {
      found.files[i] = read_sound_header(paths[i], bytes_in(archive, paths[i]));
    } catch (const Error& error) {
      bad.push_back(paths[i]);
      Diagnostic finding = error.diagnostics().front();
      finding.hint = "unreadable: skip leaves out such files";
      diagnostics.add(Error(std::move(finding)));
    }
  }
  if (!skip || bad.size() == paths.size()) diagnostics.throw_if_any();
  if (bad.empty()) return found;
  const std::size_t named = std::min(bad.size(), kNamedSounds);
  found.skipped = fmt::format("{} of {} cannot be read and {} skipped: {}{}", bad.size(),
                              counted(paths.size(), "recording"), bad.size() == 1 ? "was" : "were",
                              joined(std::vector(bad.begin(), bad.begin() + static_cast<std::ptrdiff_t>(named))),
                              bad.size() > named ? fmt::format(" and {} more", bad.size() - named) : "");
  return found;
}

}  // namespace loom
