// graph-runner new-plugin: creates a folder with a plugin that builds, has a test and trains a graph.
//
// The templates are files (share/latentloom/templates): those of `common`, then those of the kind. They are plugins
// themselves, of the type new.name in the library new_name with the class NewName; these three words are replaced.
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kKinds = {"layer",   "loss",      "prior",    "sampler", "quantizer",
                                         "dataset", "optimizer", "schedule", "metric"};

struct NewPluginFlags {
  std::string name, kind = "loss", out;
};

// The replacements of the placeholders.
struct Words {
  std::string type;        // "acme.huber"
  std::string name;        // "acme_huber"
  std::string class_name;  // "AcmeHuber"
  std::string kind;
};

// Lower-case words of letters, digits and '_', joined by dots.
bool is_type_name(const std::string& name) {
  bool start = true;
  for (const char c : name) {
    const bool letter = c >= 'a' && c <= 'z', inner = (c >= '0' && c <= '9') || c == '_';
    if (start ? !letter : !letter && !inner && c != '.') return false;
    start = c == '.';
  }
  return !name.empty() && !start && name.size() <= 60;
}

Words template_words(const NewPluginFlags& request) {
  if (!is_type_name(request.name)) {
    Diagnostic finding;
    finding.code = ErrorCode::bad_name;
    finding.message = "this cannot be the name of a type";
    finding.got = request.name;
    finding.expected = "lower-case letters, digits and '_', starting with a letter; a prefix and a dot before it";
    finding.hint = "graph-runner new-plugin acme.huber --kind loss";
    throw Error(std::move(finding));
  }
  Words words{request.name, request.name, "", request.kind};
  std::ranges::replace(words.name, '.', '_');
  bool start = true;
  for (const char c : words.name) {
    if (c != '_') words.class_name += start ? static_cast<char>(c - 'a' + 'A') : c;
    start = c == '_';
  }
  return words;
}

// The types of the standard folder always come first: a plugin with a type of the same name would never load.
void check_free(const std::string& type) {
  const auto registry = registry_for({});
  const std::vector<RegisteredType> types = registry->types();
  const auto taken = std::ranges::find(types, type, &RegisteredType::name);
  if (taken == types.end()) return;
  Diagnostic finding{};
  finding.code = ErrorCode::plugin_duplicate;
  finding.message = fmt::format("'{}' is the name of a standard {}", type,
                                taken->kind == DatasetType::kKind ? "data set" : taken->kind);
  finding.got = type;
  finding.expected = "a unique name; a prefix keeps names unique";
  finding.hint = fmt::format("graph-runner new-plugin my.{} --kind ...", type);
  throw Error(std::move(finding));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string filled(const std::string& text, const Words& words) {
  std::string out = replaced(text, "new.name", words.type);
  out = replaced(std::move(out), "NewName", words.class_name);
  out = replaced(std::move(out), "new_name", words.name);
  return replaced(std::move(out), "new-kind", words.kind);
}

// Next to this executable, in the build tree and in an installation.
fs::path templates_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  fs::path folder = program.parent_path().parent_path() / "share" / "latentloom" / "templates";
  if (fs::is_directory(folder, ignored)) return folder;
  throw Error(ErrorCode::read_failed,
              fmt::format("the templates are missing: the folder {} does not exist", folder.string()),
              "install Latentloom again: cmake --install");
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) throw Error(ErrorCode::read_failed, fmt::format("{} cannot be read", file.string()));
  return text;
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (!out) throw Error(ErrorCode::write_failed, fmt::format("{} cannot be written", file.string()));
}

std::vector<std::string> copy_templates(const fs::path& from, const fs::path& to, const Words& words) {
  std::vector<std::string> written;
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = filled(entry.path().filename().string(), words);
    write_text(to / name, filled(read_text(entry.path()), words));
    written.push_back(name);
  }
  return written;
}

int new_plugin(const NewPluginFlags& request, bool json) {
  const Words words = template_words(request);
  check_free(request.name);
  const fs::path folder = request.out.empty() ? fs::path(words.name) : fs::path(request.out);
  std::error_code problem;
  if (fs::exists(folder, problem)) {
    throw Error(ErrorCode::usage, fmt::format("{} already exists and is not overwritten", folder.string()),
                "choose another name, or --out FOLDER");
  }
  const fs::path templates = templates_folder();
  fs::create_directories(folder, problem);
  if (problem)
    throw Error(ErrorCode::write_failed, fmt::format("{} cannot be created: {}", folder.string(), problem.message()));
  std::vector<std::string> files = copy_templates(templates / "common", folder, words);
  for (std::string& name : copy_templates(templates / request.kind, folder, words)) files.push_back(std::move(name));
  std::ranges::sort(files);
  if (json) {
    print_json({{"type", words.type}, {"kind", request.kind}, {"folder", folder.string()}, {"files", files}});
    return kOk;
  }
  print("a {} of type {}, in {}:\n", request.kind, words.type, folder.string());
  for (const std::string& name : files) print("  {}\n", name);
  print("\n{}/README.md says how to build, check and use it.\n", folder.string());
  return kOk;
}

void add_new_plugin(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "new-plugin",
                       "Create a plugin of your own: a folder that builds, with a test and a graph",
                       "graph-runner new-plugin acme.huber --kind loss");
  auto request = std::make_shared<NewPluginFlags>();
  verb.option("NAME", request->name, "the name of the type, which may have a prefix: huber, acme.huber").required();
  verb.option("--kind", request->kind, "the kind of plugin").one_of(kKinds).shows_default();
  verb.option("--out", request->out, "the folder, which must not exist; default: the name");
  verb.json_flag();
  verb.action([&invocation, request] { return new_plugin(*request, invocation.json); });
}
LOOM_VERB(150, add_new_plugin)

}  // namespace

}  // namespace loom::runner
