// Documents: inheritance, blocks, repeats, expressions, overrides, and the round trip of the resolved text.
#include "document/document.h"

#include <filesystem>
#include <fstream>

#include "graph/graph.h"
#include "testing/standard_registry.h"

using namespace loom;

namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("latentloom-document-{}", static_cast<long>(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
};

const NodeEntry& node(const Document& document, const std::string& path) {
  for (const NodeEntry& entry : document.nodes) {
    if (entry.path == path) return entry;
  }
  throw std::runtime_error("no node " + path);
}

Document parse(const std::string& text) { return parse_document(text, "test.yaml", "."); }

std::string failure(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(document)

BOOST_AUTO_TEST_CASE(a_variant_is_a_diff) {
  const Folder folder;
  folder.write("parent.yaml",
               "version: 1\ngraph: p\nvars: {n: 3}\nnodes:\n  x: {type: input, shape: [2]}\n  a: {type: linear, in: x, "
               "units: '${n}'}\n"
               "losses:\n  l: {type: squared_error, in: {mean: a, target: x}}\n  m: {type: squared_error, in: {mean: "
               "a, target: x}}\n");
  const Document child = load_document(
      folder.write("child.yaml", "extends: parent.yaml\ngraph: c\nvars: {n: 5}\nlosses: {l: {weight: 4}, m: null}\n"));
  BOOST_TEST(child.name == "c");
  BOOST_TEST(std::get<std::int64_t>(node(child, "a").options.at("units").value) == 5);
  BOOST_REQUIRE(child.losses.size() == 1);
  BOOST_TEST(child.losses[0].weight.value(0) == 4);
  BOOST_TEST(contains(node(child, "losses/l").where.file, "child.yaml"));
}

BOOST_AUTO_TEST_CASE(blocks_have_prefixes_inputs_and_outputs) {
  const Folder folder;
  folder.write("block.yaml",
               "vars: {n: 4, m: '${n * 2}'}\ninputs: [x, c]\nnodes:\n  a: {type: linear, in: x, units: '${n}'}\n  b: "
               "{type: add, in: [a, c]}\n"
               "outputs: {y: b, first: a}\n");
  const Document document =
      load_document(folder.write("use.yaml",
                                 "nodes:\n  x: {type: input, shape: [2]}\n  e: {use: block.yaml, in: {x: x, c: "
                                 "f.first}, vars: {n: 6}}\n  f: {use: block.yaml, in: [x, x], weights: e}\n"
                                 "  g: {type: linear, in: e.first, units: 1}\n  h: {type: linear, in: f/a.y, units: "
                                 "1}\n  i: {type: linear, in: e, units: 1}\n"));
  BOOST_TEST(node(document, "e/b").inputs[0].sources[1].node == "f/a");
  BOOST_TEST(node(document, "g").inputs[0].sources[0].node == "e/a");
  BOOST_TEST(node(document, "h").inputs[0].sources[0].node == "f/a");
  BOOST_TEST(node(document, "i").inputs[0].sources[0].node == "e/b");
  BOOST_TEST(node(document, "f/a").weights == "e/a");
  BOOST_TEST(std::get<std::int64_t>(node(document, "e/a").options.at("units").value) == 6);
}

BOOST_AUTO_TEST_CASE(a_repeat_is_a_chain) {
  const Document document = parse(
      "vars: {n: 3}\nnodes:\n  x: {type: input, shape: [8]}\n  r: {type: linear, in: x, units: '${8 - index}', repeat: "
      "'${n}'}\n"
      "  none: {type: linear, in: r, units: 1, repeat: 0}\n  y: {type: linear, in: none, units: 2}\n");
  BOOST_TEST(node(document, "r/0").inputs[0].sources[0].node == "x");
  BOOST_TEST(node(document, "r/2").inputs[0].sources[0].node == "r/1");
  BOOST_TEST(std::get<std::int64_t>(node(document, "r/2").options.at("units").value) == 6);
  BOOST_TEST(node(document, "y").inputs[0].sources[0].node == "r/2");
}

BOOST_AUTO_TEST_CASE(expressions_keep_types) {
  const Document document = parse(
      "vars: {n: 3, half: '${n / 2}', name: relu}\nnodes:\n  x: {type: t, a: '${n + 1}', b: '${half}', c: '${name}', "
      "d: 'k${n}', e: ['${n}', 1], f: '3'}\n");
  const auto& options = node(document, "x").options;
  BOOST_TEST(std::get<std::int64_t>(options.at("a").value) == 4);
  BOOST_TEST(std::get<double>(options.at("b").value) == 1.5);
  BOOST_TEST(std::get<std::string>(options.at("c").value) == "relu");
  BOOST_TEST(std::get<std::string>(options.at("d").value) == "k3");
  BOOST_TEST(std::get<std::string>(options.at("f").value) == "3");
  BOOST_TEST(contains(failure("vars: {latent: 3}\nnodes:\n  x: {type: t, a: '${latnet}'}\n"),
                      "test.yaml:3:19: error E108 unknown-variable: there is no variable 'latnet'"));
  BOOST_TEST(
      contains(failure("vars: {latent: 3}\nnodes:\n  x: {type: t, a: '${latnet}'}\n"), "did you mean 'latent'?"));
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t, a: '${1 +}'}\n"), "E107"));
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t, a: '${1 / 0}'}\n"), "E107"));
}

BOOST_AUTO_TEST_CASE(overrides) {
  const std::string text = "vars: {n: 3}\nnodes:\n  x: {type: t, a: '${n}', s: 1}\n";
  const auto with = [&](std::vector<std::string> sets) {
    std::vector<Override> overrides;
    for (const std::string& set : sets) overrides.push_back(parse_override(set));
    return parse_document(text, "test.yaml", ".", overrides);
  };
  BOOST_TEST(std::get<std::int64_t>(node(with({"vars.n=7"}), "x").options.at("a").value) == 7);
  BOOST_TEST(with({"train.batch=5", "train.optimizer.lr=0.5"}).train.batch == 5);
  BOOST_TEST((node(with({"nodes.x.s=[1, 2]"}), "x").options.at("s").value.text() == "[1, 2]"));
  BOOST_CHECK_EXCEPTION(with({"vars.m=7"}), Error, [](const Error& e) { return e.code() == ErrorCode::bad_override; });
  BOOST_CHECK_EXCEPTION(with({"node.x.s=7"}), Error,
                        [](const Error& e) { return contains(e.what(), "did you mean 'nodes'?"); });
  BOOST_CHECK_THROW(parse_override("novalue"), Error);
}

BOOST_AUTO_TEST_CASE(limits_hold) {
  std::string deep = "nodes: ";
  for (int i = 0; i < 100; ++i) deep += "[";
  BOOST_TEST(contains(failure(deep + std::string(100, ']') + "\n"), "E112"));
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) bomb += fmt::format("{}*a{}", k > 0 ? ", " : "", i - 1);
    bomb += "]\n";
  }
  BOOST_TEST(contains(failure(bomb), "E114"));
  BOOST_TEST(contains(failure(std::string(5 << 20, 'a')), "E113"));
  BOOST_TEST(contains(failure("a: \x01\n"), "E101"));
  BOOST_TEST(contains(failure("a: 1\n---\nb: 2\n"), "one YAML document"));
  BOOST_TEST(contains(failure(""), "E101"));
}

BOOST_AUTO_TEST_CASE(schedules) {
  Schedule s;
  s.kind = Schedule::Kind::linear;
  s.from = 0;
  s.to = 2;
  s.over = 10;
  s.after = 5;
  BOOST_TEST(s.value(0) == 0);
  BOOST_TEST(s.value(10) == 1);
  BOOST_TEST(s.value(100) == 2);
  s.kind = Schedule::Kind::cosine;
  BOOST_TEST(s.value(10) == 1, boost::test_tools::tolerance(1e-12));
  s = Schedule::constant(3);
  s.warmup = 4;
  BOOST_TEST(s.value(0) == 0.75);
  BOOST_TEST(s.value(9) == 3);
  s = Schedule::constant(1);
  s.kind = Schedule::Kind::multi_step;
  s.factor = 0.1;
  s.at = {10, 20};
  BOOST_TEST(s.value(9) == 1);
  BOOST_TEST(s.value(20) == 0.01, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(the_resolved_text_gives_the_same_document) {
  for (const char* name : {"vae", "beta-vae", "vae-mnist", "ppca"}) {
    const Document document = load_document(std::string(LOOM_SOURCE_DIR) + "/graphs/" + name + ".yaml");
    const Document again = parse_document(document.resolved, "resolved.yaml", ".");
    BOOST_TEST(again.resolved == document.resolved);
    BOOST_TEST(again.nodes.size() == document.nodes.size());
    Diagnostics diagnostics;
    BOOST_TEST((build_graph(document.nodes, testing::standard_registry(), diagnostics) != nullptr));
    for (const Diagnostic& finding : diagnostics.items()) BOOST_TEST_MESSAGE(finding.text());
  }
}

// Dropped, doubled and swapped bytes: an Error or a document, never anything else.
BOOST_AUTO_TEST_CASE(damaged_documents_never_crash) {
  std::ifstream file(std::string(LOOM_SOURCE_DIR) + "/graphs/vae-mnist.yaml");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  int refused = 0;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::string damaged = text;
    if (i % 2 == 0)
      damaged.erase(i, 1 + i % 5);
    else
      damaged.insert(i, 1, "{}[]:,&*'\"$\n\t-"[i % 14]);
    refused += failure(damaged).empty() ? 0 : 1;
  }
  BOOST_TEST(refused > 50);
}

BOOST_AUTO_TEST_CASE(specifications_of_data) {
  const DataEntry entry = parse_data_specification("idx:some/folder,split=train,limit=10");
  BOOST_TEST(entry.type == "idx");
  BOOST_TEST(std::get<std::string>(entry.options.at("path").value) == "some/folder");
  BOOST_TEST(std::get<std::int64_t>(entry.options.at("limit").value) == 10);
  BOOST_TEST(parse_data_specification("sprites").options.empty());
  BOOST_TEST(parse_data_specification("sprites:size=32").options.count("path") == 0);
  for (const char* bad : {"", ":path", "idx:a,b", "idx:a,k=", "idx:a,=v", "idx:a,k=1,k=2"})
    BOOST_CHECK_THROW(parse_data_specification(bad), Error);
}

BOOST_AUTO_TEST_SUITE_END()
