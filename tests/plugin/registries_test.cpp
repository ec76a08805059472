// Which libraries documents and command lines lead to: names on the search path, files, and what is neither.
#include "plugin/registries.h"

#include <cstdlib>
#include <filesystem>

#include "loom/error.h"
#include "plugin/loader.h"

using namespace loom;

namespace {

namespace fs = std::filesystem;

// A folder on LOOM_PLUGIN_PATH, and a standard folder without the library that stands for a third party's.
struct Path {
  fs::path root = fs::temp_directory_path() / fmt::format("latentloom-path-{}", static_cast<long>(getpid()));
  fs::path standard = root / "standard", first = root / "first", second = root / "second";
  std::string library;  // of the priors

  Path() {
    for (const fs::path& folder : {standard, first, second}) fs::create_directories(folder);
    for (const std::string& file : libraries_in(plugin_folders().front())) {
      if (library_name(file) == "latentloom_nodes_prior")
        library = file;
      else
        fs::create_symlink(file, standard / fs::path(file).filename());
    }
    setenv("LATENTLOOM_PLUGINS", standard.c_str(), 1);
    setenv("LOOM_PLUGIN_PATH", (first.string() + "::" + second.string()).c_str(), 1);
  }
  ~Path() {
    unsetenv("LATENTLOOM_PLUGINS");
    unsetenv("LOOM_PLUGIN_PATH");
    fs::remove_all(root);
  }
  std::string put(const fs::path& folder, const std::string& name) const {
    fs::copy_file(library, folder / name);
    return (folder / name).string();
  }
};

PluginEntry named(const std::string& name) { return {name, {"graph.yaml", 3, 11}}; }

Error error_of(const RegistryRequest& request) {
  try {
    registry_for(request);
  } catch (const Error& error) {
    return error;
  }
  BOOST_FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_registries)

BOOST_AUTO_TEST_CASE(names_of_libraries) {
  BOOST_TEST(library_name("build/libhuber.so") == "huber");
  BOOST_TEST(library_name("huber.so") == "huber");
  BOOST_TEST(library_name("lib.so") == "lib");
  for (const char* good : {"huber", "Acme-2_x"}) BOOST_TEST(is_plugin_name(good), good);
  for (const char* bad : {"", "../huber", "a/b", "huber.so", "a b", "."}) BOOST_TEST(!is_plugin_name(bad), bad);
}

BOOST_AUTO_TEST_CASE(a_library_on_the_path_is_loaded_when_it_is_asked_for) {
  const Path path;
  const std::string file = path.put(path.second, "libpriors.so");
  BOOST_TEST(registry_for({})->node("standard_normal") == nullptr);
  for (const RegistryRequest& request :
       {RegistryRequest{{named("priors")}, {}}, RegistryRequest{{}, {"priors"}}, RegistryRequest{{}, {file}}}) {
    const auto registry = registry_for(request);
    BOOST_REQUIRE(registry->node("standard_normal"));
    BOOST_TEST(registry->node("standard_normal")->library == file);
    BOOST_TEST(registry->libraries().back().name == "priors");
  }
  BOOST_TEST(plugin_with_type("standard_normal") == "priors");
  BOOST_TEST(plugin_with_type("no_such_type") == "");
}

BOOST_AUTO_TEST_CASE(the_first_folder_that_has_it_counts_and_both_spellings_do) {
  const Path path;
  path.put(path.second, "libpriors.so");
  const std::string first = path.put(path.first, "priors.so");
  BOOST_TEST(registry_for({{named("priors")}, {}})->node("standard_normal")->library == first);
}

BOOST_AUTO_TEST_CASE(a_file_of_the_command_line_stands_for_its_name) {
  const Path path;
  path.put(path.first, "libpriors.so");
  const std::string other = path.put(path.root, "libpriors.so");
  const auto registry = registry_for({{named("priors")}, {other}});
  BOOST_TEST(registry->node("standard_normal")->library == other);
  // Twice the same file is one library.
  BOOST_TEST(registry_for({{}, {other, other}})->libraries().size() == registry->libraries().size());
}

BOOST_AUTO_TEST_CASE(names_that_no_folder_has_are_all_reported_with_the_nearest) {
  const Path path;
  path.put(path.first, "libpriors.so");
  const Error error = error_of({{named("prior"), named("huber")}, {}});
  BOOST_REQUIRE(error.diagnostics().size() == 2U);
  const Diagnostic& finding = error.diagnostics().front();
  BOOST_TEST((finding.code == ErrorCode::plugin_not_found));
  BOOST_TEST(finding.where.text() == "graph.yaml:3:11");
  BOOST_TEST(finding.suggestion == "priors");
  BOOST_TEST(finding.expected.find(path.first.string()) != std::string::npos);
}

// An older graph names a plugin whose types are standard ones now.
BOOST_AUTO_TEST_CASE(a_plugin_that_has_become_standard_needs_no_library) {
  const Path path;
  BOOST_TEST(libraries_for({{named("hyperspherical"), named("gumbel_softmax")}, {}}).size() ==
             libraries_for({}).size());
  path.put(path.first, "libgumbel_softmax.so");  // one that is there is loaded all the same
  BOOST_TEST(libraries_for({{named("gumbel_softmax")}, {}}).size() == libraries_for({}).size() + 1);
}

// Whatever a document says: only a name leads anywhere.
BOOST_AUTO_TEST_CASE(a_path_in_a_document_is_refused) {
  const Path path;
  const std::string file = path.put(path.root, "libpriors.so");
  for (const std::string& text : {file, std::string("../libpriors.so"), std::string("libpriors.so"), std::string("")}) {
    const Error error = error_of({{named(text)}, {}});
    BOOST_TEST((error.code() == ErrorCode::plugin_path), text);
  }
}

BOOST_AUTO_TEST_CASE(a_registry_is_rebuilt_with_another_file_in_the_place_of_one) {
  const Path path;
  const std::string file = path.put(path.first, "libpriors.so"), copy = path.put(path.root, "copy-1.so");
  const std::vector<LoadedLibrary> libraries = libraries_for({{named("priors")}, {}});
  const auto registry = registry_of(libraries, {{file, copy}});
  BOOST_TEST(registry->node("standard_normal")->library == file);
  BOOST_REQUIRE(registry->libraries().size() == libraries.size());
  for (std::size_t i = 0; i < libraries.size(); ++i) BOOST_TEST(registry->libraries()[i].file == libraries[i].file);
}

BOOST_AUTO_TEST_SUITE_END()
