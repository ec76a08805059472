#include "document/shipped_graphs.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "document/document.h"
#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(shipped)

BOOST_AUTO_TEST_CASE(names_mean_the_graphs_of_the_build_tree) {
  BOOST_TEST(graph_file("vae").ends_with("share/latentloom/graphs/vae.yaml"));
  BOOST_TEST(load_document("ppca").name == "ppca");
  BOOST_TEST(graph_file("residual-vq").ends_with("graphs/codes/residual-vq.yaml"));
  BOOST_TEST(graph_file("vq-encoder") == "vq-encoder");  // a block
  BOOST_TEST(graph_file("no-such-graph") == "no-such-graph");
  BOOST_TEST(graph_file("vae.yaml") == "vae.yaml");  // a path
  BOOST_TEST(graph_file("./vae") == "./vae");
  BOOST_TEST(graph_file("") == "");
  BOOST_TEST(nearest_shipped_graph("vea") == "vae");
  BOOST_TEST(nearest_shipped_graph("x/vea") == "");
  BOOST_TEST(shipped_graphs().size() >= 70U);
  for (const ShippedGraph& graph : shipped_graphs()) {
    BOOST_TEST(!graph.doc.empty(), graph.name);
    BOOST_TEST(graph_file(graph.name) == graph.file);
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_the_name_comes_first) {
  const ScratchFolder folder;
  std::ofstream(folder.file("vae")) << "version: 1\n";
  BOOST_TEST(graph_file("vae", std::filesystem::path(folder.file("vae")).parent_path().string()) == "vae");
}

BOOST_AUTO_TEST_CASE(a_document_extends_one_by_its_name) {
  const Document document =
      parse_document("extends: vae\ngraph: mine\nlosses: {kl: {weight: 4}}\n", "mine.yaml", "/tmp");
  BOOST_TEST(document.name == "mine");
  BOOST_TEST(document.losses.size() == 2U);
  BOOST_CHECK_EXCEPTION(
      parse_document("extends: vea\n", "mine.yaml", "/no-such-folder"), Error, [](const Error& error) {
        return error.diagnostics().back().suggestion == "vae" && error.diagnostics().back().where.line == 1;
      });
}

BOOST_AUTO_TEST_SUITE_END()
