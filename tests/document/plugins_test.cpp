// `plugins:` of documents, of what they extend and of what they use.
#include <filesystem>
#include <fstream>

#include "document/document.h"
#include "loom/error.h"

using namespace loom;

namespace {

namespace fs = std::filesystem;

struct Files {
  fs::path path = fs::temp_directory_path() / fmt::format("latentloom-plugins-{}", static_cast<long>(getpid()));
  Files() { fs::create_directories(path); }
  ~Files() { fs::remove_all(path); }
  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
};

std::vector<std::string> names(const Document& document) {
  std::vector<std::string> all;
  for (const PluginEntry& plugin : document.plugins) all.push_back(plugin.name);
  return all;
}

const char* const kNodes = "nodes:\n  x: {type: input, shape: [2]}\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(document_plugins)

BOOST_AUTO_TEST_CASE(they_keep_their_places_and_survive_rendering) {
  const Document document =
      parse_document(std::string("version: 1\nplugins: [huber, acme-2]\n") + kNodes, "g.yaml", ".");
  BOOST_TEST(names(document) == (std::vector<std::string>{"huber", "acme-2"}), boost::test_tools::per_element());
  BOOST_TEST(document.plugins[1].where.text() == "g.yaml:2:18");
  BOOST_TEST(names(parse_document(document.resolved, "again.yaml", ".")) == names(document),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(extends_and_use_add_theirs_each_once) {
  const Files files;
  files.put("block.yaml",
            "version: 1\nblock: b\nplugins: [layers, huber]\ninputs: [x]\n"
            "nodes:\n  y: {type: layers.snake, in: x}\noutput: y\n");
  files.put("parent.yaml", std::string("version: 1\nplugins: [huber]\n") + kNodes);
  const std::string child = files.put("child.yaml",
                                      "extends: parent.yaml\nplugins: [acme]\nnodes:\n  b: {use: block.yaml, in: x}\n"
                                      "  c: {use: block.yaml, in: b}\n");
  BOOST_TEST(names(load_document(child)) == (std::vector<std::string>{"huber", "acme", "layers"}),
             boost::test_tools::per_element());
  const std::string silent = files.put("silent.yaml", "extends: parent.yaml\n");
  BOOST_TEST(names(load_document(silent)) == std::vector<std::string>{"huber"}, boost::test_tools::per_element());
  const std::string without = files.put("without.yaml", "extends: parent.yaml\nplugins: null\n");
  BOOST_TEST(names(load_document(without)).empty());
}

BOOST_AUTO_TEST_CASE(a_whole_graph_that_is_used_brings_its_own) {
  const Files files;
  files.put("inner.yaml", std::string("version: 1\ngraph: inner\nplugins: [huber]\n") + kNodes);
  const std::string outer = files.put("outer.yaml", "version: 1\nnodes:\n  vq: {use: inner.yaml}\n");
  BOOST_TEST(names(load_document(outer)) == std::vector<std::string>{"huber"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_path_is_refused_with_its_place) {
  for (const char* text : {"../build/libhuber.so", "/tmp/libhuber.so", "libhuber.so", "a b"}) {
    const std::string document = fmt::format("version: 1\nplugins: [\"{}\"]\n{}", text, kNodes);
    const auto is_path = [&](const Error& error) {
      const Diagnostic& finding = error.diagnostics().front();
      return finding.code == ErrorCode::plugin_path && finding.where.text() == "g.yaml:2:11" && finding.got == text &&
             finding.hint.find("--plugin FILE") != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION(parse_document(document, "g.yaml", "."), Error, is_path);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_list_of_names_is_refused) {
  for (const char* text : {"huber", "{huber: 1}", "[[huber]]"}) {
    const auto wrong = [](const Error& error) { return error.code() == ErrorCode::wrong_type; };
    BOOST_CHECK_EXCEPTION(parse_document(fmt::format("version: 1\nplugins: {}\n{}", text, kNodes), "g.yaml", "."),
                          Error, wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
