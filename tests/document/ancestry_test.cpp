// `extends` of several parents, and types that change on the way.
#include "check/standard_registry.h"
#include "document/support.h"
#include "train/check_document.h"
#include "train/inherited.h"

using namespace loom;
using namespace loom::check;

namespace {

const char* const kBase =
    "version: 1\nvars: {n: 3}\nnodes:\n  x: {type: input, shape: [4]}\n  a: {type: linear, in: x, units: '${n}', "
    "activation: relu}\n  b: {type: linear, in: a, units: 4}\nlosses:\n  l: {type: squared_error, in: {x: b, target: "
    "x}}\n"
    "  m: {type: squared_error, in: {x: b, target: x}, weight: 2}\n";

std::string error_of(const std::string& file) {
  try {
    load_document(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_ancestry)

BOOST_AUTO_TEST_CASE(each_document_counts_once_after_its_parents) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("wide.yaml", "extends: base.yaml\nvars: {n: 9}\nlosses: {m: null}\n");
  folder.write("warm.yaml", "extends: base.yaml\nlosses: {l: {weight: 5}}\n");
  // merged whole, warm.yaml would bring n: 3 and the loss m back
  const Document both = load_document(folder.write("both.yaml", "extends: [wide.yaml, warm.yaml]\n"));
  BOOST_TEST(option(both, "a", "units") == "9");
  BOOST_REQUIRE(both.losses.size() == 1);
  BOOST_TEST(both.losses[0].weight.number == 5);
  BOOST_TEST(both.files.size() == 4);
  // the base is the ancestor of the first, and so below it
  const Document again = load_document(folder.write("again.yaml", "extends: [wide.yaml, base.yaml]\n"));
  BOOST_TEST(option(again, "a", "units") == "9");
}

BOOST_AUTO_TEST_CASE(the_later_parent_wins_and_the_document_over_both) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("one.yaml", "extends: base.yaml\nvars: {n: 1}\nlosses: {l: {weight: 1}}\n");
  folder.write("two.yaml", "extends: base.yaml\nvars: {n: 2}\nlosses: {l: {weight: 2}}\n");
  const Document document =
      load_document(folder.write("c.yaml", "extends: [one.yaml, two.yaml]\nlosses: {l: {weight: 7}}\n"));
  BOOST_TEST(option(document, "a", "units") == "2");
  BOOST_TEST(document.losses[0].weight.number == 7);
  BOOST_TEST(option(load_document(folder.write("d.yaml", "extends: [two.yaml, one.yaml]\n")), "a", "units") == "1");
}

BOOST_AUTO_TEST_CASE(parents_may_remove_the_same_and_a_misspelt_null_is_found) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("one.yaml", "extends: base.yaml\nlosses: {m: null}\n");
  folder.write("two.yaml", "extends: base.yaml\nlosses: {m: null}\n");
  BOOST_TEST(load_document(folder.write("c.yaml", "extends: [one.yaml, two.yaml]\n")).losses.size() == 1U);
  const std::string error = error_of(folder.write("d.yaml", "extends: [one.yaml, two.yaml]\nlosses: {n: null}\n"));
  BOOST_TEST(contains(error, "d.yaml:2:10: error E103"), error);
}

BOOST_AUTO_TEST_CASE(every_error_names_its_file) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("loop.yaml", "extends: [base.yaml, me.yaml]\n");
  const std::string cycle = error_of(folder.write("me.yaml", "extends: [base.yaml, loop.yaml]\n"));
  BOOST_TEST(contains(cycle, "loop.yaml:1:22: error E110"), cycle);
  BOOST_TEST(contains(cycle, "me.yaml -> loop.yaml -> me.yaml"), cycle);
  const std::string missing = error_of(folder.write("b.yaml", "extends: [base.yaml, nothing.yaml]\n"));
  BOOST_TEST(contains(missing, "b.yaml:1:22: error E109"), missing);
  const std::string twice = error_of(folder.write("t.yaml", "extends: [base.yaml, base.yaml]\n"));
  BOOST_TEST(contains(twice, "t.yaml:1:22: error E102"), twice);
  const std::string map = error_of(folder.write("m.yaml", "extends: [{a: 1}]\n"));
  BOOST_TEST(contains(map, "m.yaml:1:11: error E105"), map);
}

BOOST_AUTO_TEST_CASE(another_type_drops_what_it_does_not_know) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  Document document = load_checked(folder.write("c.yaml",
                                                "extends: base.yaml\nnodes: {b: {type: dropout, rate: 0.1}, a: "
                                                "{units: 4}}\n"),
                                   {}, standard_registry());
  BOOST_TEST(node(document, "b").options.count("units") == 0U);
  BOOST_TEST(source(document, "b") == "a");
  BOOST_REQUIRE(document.notes.size() == 1);
  BOOST_TEST(contains(document.notes[0], "'b' has another type than its parent's: dropout does not know units"),
             document.notes[0]);
  BOOST_TEST(!has_inherited(parse_document(document.resolved, "resolved.yaml", ".")));
  BOOST_TEST(contains(document.resolved, "b: {type: dropout, in: a, rate: 0.1}"), document.resolved);
}

// A decoder that has come to read the data makes no samples: the parent's entry is dropped, the child's own is an error.
BOOST_AUTO_TEST_CASE(an_entry_of_generate_that_cannot_be_any_more) {
  const Folder folder;
  folder.write("vae.yaml", R"(
version: 1
graph: vae
nodes:
  x: {type: input, shape: [8]}
  q: {type: gaussian_parameters, in: x, dim: 2}
  z: {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  y: {type: linear, in: z, units: 8}
losses:
  nll: {type: gaussian_nll, in: {mean: y, target: x}}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
generate:
  sample:      {draw: {z: {type: standard_normal}}, show: y}
  reconstruct: {show: y}
)");
  const std::string gated =
      "extends: vae.yaml\nnodes: {g: {type: linear, in: x, units: 2}, zg: {type: multiply, in: [z, g]}, "
      "y: {in: zg}}\n";
  const Document document = load_checked(folder.write("gated.yaml", gated), {}, standard_registry());
  BOOST_TEST_REQUIRE(document.generate.size() == 1U);
  BOOST_TEST(document.generate[0].name == "reconstruct");
  BOOST_TEST_REQUIRE(document.notes.size() == 1U);
  BOOST_TEST(contains(document.notes[0], "generate.sample of"), document.notes[0]);
  BOOST_TEST(contains(document.notes[0], "vae.yaml is dropped"), document.notes[0]);
  BOOST_TEST(!contains(document.resolved, "sample:"), document.resolved);
  const std::string own = gated + "generate: {sample: {show: y}}\n";
  BOOST_CHECK_THROW(load_checked(folder.write("own.yaml", own), {}, standard_registry()), Error);
}

// What names nodes or repeats that the child has removed is dropped; what the child, or --set, writes is an error.
BOOST_AUTO_TEST_CASE(an_entry_of_generate_whose_nodes_are_removed) {
  const Folder folder;
  folder.write("deep.yaml", R"(
version: 1
graph: deep
nodes:
  x: {type: input, shape: [8]}
  h: {type: linear, in: x, units: 8, repeat: 2}
  s: {type: gaussian_parameters, in: h, dim: 8}
  z: {type: gaussian_sampler, in: {mu: s.mu, logvar: s.logvar}}
  y: {type: linear, in: z, units: 8}
losses:
  nll: {type: gaussian_nll, in: {mean: y, target: x}}
generate:
  shown:   {show: s.mu}
  fed:     {feed: s.mu, show: y}
  drawn:   {draw: {z: {type: standard_normal}}, show: y}
  reads:   {draw: {y: {type: activation, in: s.mu, function: identity}}, show: y}
  filled:  {autoregressive: {input: x, from: s.mu}, show: y}
  stepped: {iterate: {state: z, by: s.mu}, show: y}
  level:   {show: "h/*"}
  kept:    {show: y}
)");
  const std::string child = "extends: deep.yaml\nnodes: {s: null, z: null, h: null, y: {in: x}}\n";
  const Document document = load_checked(folder.write("c.yaml", child), {}, standard_registry());
  BOOST_TEST_REQUIRE(document.generate.size() == 1U);
  BOOST_TEST(document.generate[0].name == "kept");
  BOOST_TEST(document.notes.size() == 7U);
  for (const char* text : {"generate.shown of", "deep.yaml is dropped", "there is no node 's'"})
    BOOST_TEST(contains(document.notes[0], text), document.notes[0]);
  BOOST_TEST(!contains(document.resolved, "shown:"), document.resolved);
  const auto refused = [&](const std::string& text, const std::vector<Override>& overrides) {
    try {
      load_checked(folder.write("own.yaml", text), overrides, standard_registry());
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const std::string own = refused(child + "generate: {shown: {show: s.mu}}\n", {});
  BOOST_TEST(contains(own, "E206"), own);
  const std::string set = refused(child, {parse_override("generate.kept.show=s.mu")});
  BOOST_TEST(contains(set, "E206"), set);
}

// A word of the child's own is an error, and so is one that the parent gave to the same type.
BOOST_AUTO_TEST_CASE(what_the_child_says_itself_is_not_dropped) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  const auto error = [&](const std::string& nodes) {
    try {
      load_checked(folder.write("c.yaml", "extends: base.yaml\nnodes: " + nodes + "\n"), {}, standard_registry());
    } catch (const Error& found) {
      return std::string(found.what());
    }
    return std::string();
  };
  BOOST_TEST(contains(error("{b: {type: dropout, units: 3}}"), "c.yaml:2:28: error E202"));
  BOOST_TEST(contains(error("{b: {unit: 3}}"), "error E202"));
  BOOST_TEST(error("{b: {type: add, in: [a, a]}, a: {units: 4}}").empty());
}

// Inputs by names that the new type does not have.
BOOST_AUTO_TEST_CASE(another_type_drops_inputs) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  const Document document = load_checked(
      folder.write("c.yaml", "extends: base.yaml\nlosses: {l: {type: gaussian_kl, in: {mu: b, logvar: b}}}\n"), {},
      standard_registry());
  BOOST_TEST(node(document, "losses/l").inputs.size() == 2U);
  BOOST_TEST(contains(document.notes.at(0), "in.x, in.target"), document.notes.at(0));
}

BOOST_AUTO_TEST_CASE(a_block_replaces_a_node_and_the_reverse) {
  const Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("b.yaml", "vars: {k: 2}\ninputs: [x]\nnodes:\n  y: {type: linear, in: x, units: '${k}'}\noutput: y\n");
  folder.write("c.yaml", "extends: base.yaml\nnodes: {a: {use: b.yaml, vars: {k: 5}}}\n");
  const Document block = load_document((folder.path / "c.yaml").string());
  BOOST_TEST(option(block, "a/y", "units") == "5");
  BOOST_TEST(source(block, "a/y") == "x");
  const Document back =
      load_document(folder.write("d.yaml", "extends: c.yaml\nnodes: {a: {type: linear, units: 6}}\n"));
  BOOST_TEST(option(back, "a", "units") == "6");
  BOOST_TEST(source(back, "a") == "x");
}

BOOST_AUTO_TEST_SUITE_END()
