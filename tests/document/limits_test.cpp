// Texts that want too much, and damaged ones.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(document_limits)

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

BOOST_AUTO_TEST_CASE(a_long_text_of_small_values_is_refused) {
  std::string many = "nodes:\n  x: {type: t, a: [";
  for (int i = 0; i < 200001; ++i) many += "1,";
  BOOST_TEST(contains(failure(many + "1]}\n"), "E113 document-too-large: the document has too many values"));
}

BOOST_AUTO_TEST_CASE(repeats_are_bounded_in_values_too) {
  std::string list = "1";
  for (int i = 0; i < 5000; ++i) list += ",1";
  BOOST_TEST(contains(failure("nodes:\n  x: {type: t}\n  a: {type: t, in: x, repeat: 10000, l: [" + list + "]}\n"),
                      "E113 document-too-large: the blocks and repeats expand to too many values"));
}

BOOST_AUTO_TEST_CASE(a_chain_of_documents_is_bounded) {
  const Folder folder;
  folder.write("0.yaml", "nodes:\n  x: {type: t}\n");
  for (int i = 1; i < 80; ++i)
    folder.write(fmt::format("{}.yaml", i), fmt::format("extends: {}.yaml\ngraph: g\n", i - 1));
  BOOST_TEST(load_document((folder.path / "60.yaml").string()).nodes.size() == 1U);
  BOOST_CHECK_EXCEPTION(load_document((folder.path / "79.yaml").string()), Error,
                        [](const Error& e) { return e.code() == ErrorCode::document_too_deep; });
}

BOOST_AUTO_TEST_SUITE_END()
