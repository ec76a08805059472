// Every document of tests/document/bad/ is refused with exactly the message that stands beside it in NAME.expected.
// Lines "# --set a.b=c" at its head are overrides. A list of all registered names of a kind is written as {optimizers}
// there, so that a new type changes no message. UPDATE_EXPECTED=1 writes the messages anew: read them before you commit
// them.
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "check/standard_registry.h"
#include "train/check_document.h"

using namespace loom;

namespace {

namespace fs = std::filesystem;

// Messages name files as they were given: relative to here.
struct InFolder {
  fs::path before = fs::current_path();
  explicit InFolder(const fs::path& folder) { fs::current_path(folder); }
  ~InFolder() { fs::current_path(before); }
};

const fs::path kFolder = fs::path(LOOM_SOURCE_DIR) / "tests/document/bad";

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> documents() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Override> overrides_of(const std::string& name) {
  const std::string mark = "# --set ";
  std::vector<Override> overrides;
  std::ifstream file(name);
  for (std::string line; std::getline(file, line) && line.starts_with(mark);)
    overrides.push_back(parse_override(line.substr(mark.size())));
  return overrides;
}

// What graph-runner validate reports.
std::vector<Diagnostic> findings_of(const std::string& name) {
  try {
    load_checked(name, overrides_of(name), check::standard_registry());
  } catch (const Error& error) {
    return error.diagnostics();
  }
  return {};
}

std::string message_of(const std::string& name) {
  std::string text;
  for (const Diagnostic& finding : findings_of(name)) text += finding.text() + "\n";
  for_each_kind([&]<class Type>() {
    const std::string list = fmt::format("one of {}\n", fmt::join(check::standard_registry().names<Type>(), ", "));
    for (std::size_t at = 0; (at = text.find(list, at)) != std::string::npos;)
      text.replace(at, list.size(), fmt::format("one of {{{}s}}\n", Type::kKind));
  });
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_documents)

BOOST_AUTO_TEST_CASE(each_is_refused_with_its_message) {
  check::standard_registry();
  const InFolder here(kFolder);
  const bool update = std::getenv("UPDATE_EXPECTED") != nullptr;
  BOOST_TEST(documents().size() >= 60U);
  for (const std::string& name : documents()) {
    const std::string text = message_of(name);
    BOOST_TEST(!text.empty(), name << " is accepted");
    const fs::path expected = fs::path(name).replace_extension(".expected");
    if (update) std::ofstream(expected, std::ios::binary) << text;
    BOOST_TEST(text == text_of(expected), name << " says\n" << text << "and not\n" << text_of(expected));
  }
}

BOOST_AUTO_TEST_CASE(every_finding_has_a_place_and_says_what_to_do) {
  check::standard_registry();
  const InFolder here(kFolder);
  for (const std::string& name : documents()) {
    for (const Diagnostic& finding : findings_of(name)) {
      BOOST_TEST(finding.where.known(), finding.text());
      BOOST_TEST((finding.where.line > 0 || finding.where.file == "--set"), finding.text());
      const bool helps =
          !finding.got.empty() || !finding.expected.empty() || !finding.hint.empty() || finding.other.known();
      BOOST_TEST(helps, finding.text());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_code_of_text_and_graph_occurs) {
  std::string all;
  for (const std::string& name : documents()) all += text_of((kFolder / name).replace_extension(".expected"));
  const auto occurs = [&](std::string_view number) {
    return all.find(fmt::format("error {} ", number)) != std::string::npos;
  };
#define X(identifier, number, name)                                                                     \
  if ((number[1] == '1' || number[1] == '2') && ErrorCode::identifier != ErrorCode::not_differentiable) \
    BOOST_TEST(occurs(number), number " " name);
  LOOM_ERROR_CODES(X)
#undef X
  BOOST_TEST(occurs(error_number(ErrorCode::data_specification)));
}

BOOST_AUTO_TEST_SUITE_END()
