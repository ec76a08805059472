// Every YAML example of docs/graph-format.md is correct. One that starts with "# name.yaml" is that file for the
// others; one without nodes is a fragment, merged over example.yaml.
#include "check/standard_registry.h"
#include "document/support.h"
#include "train/check_document.h"

using namespace loom;
using namespace loom::check;

namespace {

std::vector<std::string> yaml_blocks(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```yaml") {
      blocks.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

// "example.yaml" of "# example.yaml\n...", or "".
std::string name_of(const std::string& block) {
  if (!block.starts_with("# ")) return "";
  return block.substr(2, block.find('\n') - 2);
}

bool has_key(const std::string& block, const std::string& key) { return contains("\n" + block, "\n" + key + ":"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(format_examples)

BOOST_AUTO_TEST_CASE(all_are_correct) {
  const std::vector<std::string> blocks = yaml_blocks(std::string(LOOM_SOURCE_DIR) + "/docs/graph-format.md");
  BOOST_TEST(blocks.size() >= 12U);
  const Folder folder;
  for (const std::string& block : blocks) {
    if (const std::string name = name_of(block); !name.empty()) folder.write(name, block);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (has_key(blocks[i], "inputs")) continue;  // a block: checked where an example uses it
    const bool whole = has_key(blocks[i], "nodes") || has_key(blocks[i], "extends");
    const std::string file =
        folder.write(fmt::format("{}.yaml", i), (whole ? "" : "extends: example.yaml\n") + blocks[i]);
    try {
      BOOST_TEST(!load_checked(file, {}, standard_registry()).nodes.empty());
    } catch (const Error& error) {
      BOOST_ERROR("docs/graph-format.md, example " << i << ":\n" << blocks[i] << error.what());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
