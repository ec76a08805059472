// Loading of plugin libraries: the standard ones, and files that are none.
#include "plugin/loader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/version.h"

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

// A standard plugin as an older or newer build would have made it: the same library with another stamp.
BOOST_AUTO_TEST_CASE(a_plugin_of_another_build_is_refused) {
  std::ifstream original(load_standard_registry()->node("linear")->library, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(original)), {});
  const std::string stamp = LOOM_BUILD_STAMP;
  std::size_t changed = 0;
  for (std::size_t at = bytes.find(stamp); at != std::string::npos; at = bytes.find(stamp, at)) {
    bytes[at] = '?';
    ++changed;
  }
  BOOST_REQUIRE(changed > 0U);
  const Folder folder;
  std::ofstream(folder.path / "older.so", std::ios::binary) << bytes;
  Registry registry;
  BOOST_CHECK_EXCEPTION(load_plugin(registry, (folder.path / "older.so").string()), Error,
                        with_code(ErrorCode::plugin_mismatch));
  BOOST_TEST(registry.node_names().empty());
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_said) {
  const Folder folder;
  setenv("LATENTLOOM_PLUGINS", folder.path.c_str(), 1);
  BOOST_CHECK_EXCEPTION(load_standard_registry(), Error, with_code(ErrorCode::plugin_not_found));
  unsetenv("LATENTLOOM_PLUGINS");
}

BOOST_AUTO_TEST_SUITE_END()
