// The graphs that come with the library, by their names: "vae" is share/latentloom/graphs/vae.yaml next to the library,
// in an installation and in a build tree, and "residual-vq" is codes/residual-vq.yaml there.
//
// Thread safety: functions that read folders; any thread. Errors: none; what is not found stays as it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loom {

// The file that `text` means: a shipped graph where it is the name of one and no file or folder is called so; else `text`.
std::string graph_file(const std::string& text);
// The same for `text` in a document of this folder.
std::string graph_file(const std::string& text, const std::string& folder);

struct ShippedGraph {
  std::string name, file;
  std::string doc;  // what the document says of itself
};
std::vector<ShippedGraph> shipped_graphs();  // by name
// The shipped graph whose name is nearest; "" if none is near.
std::string nearest_shipped_graph(const std::string& name);

}  // namespace loom
