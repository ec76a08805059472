// Loading of plugin libraries: the standard ones, and files that are none.
#include "plugin/loader.h"
#include "loom/node.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "loom/abi.h"
#include "loom/error.h"

using namespace loom;

namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("latentloom-plugin-{}", static_cast<long>(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

auto with_code(ErrorCode code) {
  return [code](const Error& error) { return error.code() == code && error.diagnostics().front().where.known(); };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_loader)

BOOST_AUTO_TEST_CASE(the_standard_plugins_load_and_outlive_their_registry) {
  std::shared_ptr<const NodeType> kept;
  {
    const auto registry = load_standard_registry();
    BOOST_TEST(registry->node_names().size() >= 20);
    kept = registry->node("linear");
    BOOST_REQUIRE(kept);
  }
  BOOST_TEST(kept->contract.option_names().size() >= 2);  // the library is still open
  Options options;
  for (const OptionDeclaration& declared : kept->contract.options()) options.set(declared.name, declared.default_value);
  options.set("units", 3);
  BOOST_TEST((kept->create(options) != nullptr));
}

BOOST_AUTO_TEST_CASE(what_is_no_plugin_is_refused) {
  Registry registry;
  const Folder folder;
  BOOST_CHECK_EXCEPTION(load_plugin(registry, (folder.path / "none.so").string()), Error,
                        with_code(ErrorCode::plugin_not_found));
  std::ofstream(folder.path / "text.so") << "not a library";
  BOOST_CHECK_EXCEPTION(load_plugin(registry, (folder.path / "text.so").string()), Error,
                        with_code(ErrorCode::plugin_invalid));
  const std::string host = plugin_folders().front() + "/../../liblatentloom.so";  // a library, but no plugin
  BOOST_CHECK_EXCEPTION(load_plugin(registry, host), Error, with_code(ErrorCode::plugin_invalid));
  BOOST_TEST(registry.node_names().empty());
}

BOOST_AUTO_TEST_CASE(a_name_cannot_be_taken_twice_unless_it_is_replaced) {
  const auto registry = load_standard_registry();
  const std::string file = registry->node("linear")->library;
  BOOST_CHECK_EXCEPTION(load_plugin(*registry, file), Error, with_code(ErrorCode::plugin_duplicate));
  load_plugin(*registry, file, true);
  BOOST_TEST(registry->node("linear")->library == file);
}

BOOST_AUTO_TEST_CASE(a_clash_names_both_files) {
  const auto registry = load_standard_registry();
  const std::string file = registry->node("linear")->library;
  const Folder folder;
  const std::string copy = (folder.path / "libacme.so").string();
  fs::copy_file(file, copy);
  const auto names_both = [&](const Error& error) {
    const Diagnostic& finding = error.diagnostics().front();
    return finding.code == ErrorCode::plugin_duplicate && finding.where.file == copy && finding.other.file == file &&
           finding.message.find("registered by both") != std::string::npos;
  };
  BOOST_CHECK_EXCEPTION(load_plugin(*registry, copy), Error, names_both);
  BOOST_TEST(registry->libraries().back().file != copy);
}

// A library that holds data sets only: those clash too, and nothing of a refused library is left.
BOOST_AUTO_TEST_CASE(data_sets_clash_too) {
  const auto registry = load_standard_registry();
  const std::string file = registry->dataset("sprites")->library;
  BOOST_CHECK_EXCEPTION(load_plugin(*registry, file), Error, with_code(ErrorCode::plugin_duplicate));
}

BOOST_AUTO_TEST_CASE(the_libraries_are_listed_in_their_order) {
  const auto registry = load_standard_registry();
  const std::vector<LoadedLibrary> libraries = registry->libraries();
  BOOST_REQUIRE(!libraries.empty());
  BOOST_TEST(std::ranges::is_sorted(libraries, {}, &LoadedLibrary::file));
  const auto nn = std::ranges::find(libraries, std::string("latentloom_nodes_nn"), &LoadedLibrary::name);
  BOOST_REQUIRE((nn != libraries.end()));
  BOOST_TEST(nn->file == registry->node("linear")->library);
  load_plugin(*registry, nn->file, true);
  BOOST_TEST(registry->libraries().size() == libraries.size());
}

// A standard plugin as another compiler would have made it: the same library with another stamp.
BOOST_AUTO_TEST_CASE(a_plugin_of_another_build_is_refused) {
  std::ifstream original(load_standard_registry()->node("linear")->library, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(original)), {});
  const std::string stamp = std::string(LOOM_STANDARD_LIBRARY) + '\0';
  std::size_t changed = 0;
  for (std::size_t at = bytes.find(stamp); at != std::string::npos; at = bytes.find(stamp, at)) {
    bytes[at] = '?';
    ++changed;
  }
  BOOST_REQUIRE(changed > 0U);
  const Folder folder;
  const std::string file = (folder.path / "older.so").string();
  std::ofstream(file, std::ios::binary) << bytes;
  Registry registry;
  const auto says_both = [&](const Error& error) {
    const Diagnostic& finding = error.diagnostics().front();
    return finding.code == ErrorCode::plugin_mismatch && finding.where.file == file &&
           finding.expected.find(LOOM_STANDARD_LIBRARY) != std::string::npos &&
           finding.got.find("standard library ?") != std::string::npos &&
           finding.hint.find("cmake --build") != std::string::npos;
  };
  BOOST_CHECK_EXCEPTION(load_plugin(registry, file), Error, says_both);
  BOOST_TEST(registry.node_names().empty());
  const PluginSummary summary = read_plugin(file);
  BOOST_TEST(summary.types.empty());
  BOOST_TEST(summary.problem.find("E602") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_library_holds_is_read_without_loading_it) {
  const auto registry = load_standard_registry();
  const PluginSummary summary = read_plugin(registry->dataset("sprites")->library);
  BOOST_TEST(summary.problem == "");
  BOOST_TEST(summary.version == LOOM_VERSION);
  BOOST_TEST((std::ranges::count(summary.types.at("dataset"), std::string("sprites")) == 1));
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_said) {
  const Folder folder;
  setenv("LATENTLOOM_PLUGINS", folder.path.c_str(), 1);
  BOOST_CHECK_EXCEPTION(load_standard_registry(), Error, with_code(ErrorCode::plugin_not_found));
  unsetenv("LATENTLOOM_PLUGINS");
}

BOOST_AUTO_TEST_SUITE_END()
