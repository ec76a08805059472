// The same values with another shape; no copy is made.
//   y [N, shape...] from x [N, ...] of as many values; one extent may be -1 and follows from the others. The shape may also
//   be that of a port.
#include "loom/node.h"
#include "shape/axis.h"
#include "tensor/like.h"

namespace {

class Reshape final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The same values with another shape");
    c.input("x", "[N, ...]", "values of any type");
    c.input("like", "[N, ...L]", "a port of the wanted shape; its values are not read").shape_only();
    c.output("y", "[N, ...S]", "the same values");
    c.option("shape", loom::OptionValue(), loom::integer_list().at_least(-1),
             "extents of one sample, where `like` is not connected; one may be -1");
    c.alias();
    c.linear();
    c.reads_window(loom::nodes::window_of_alias);
  }
  static void infer(loom::ShapeInference& s) {
    if (!loom::nodes::check_shape_given(s)) return;
    std::vector<std::int64_t> extents = s.has_input("like") ? s.run_extents("L") : s.options().integers("shape");
    const std::int64_t values = s.input(0).event().count();
    std::int64_t known = 1;
    int open = -1, zeros = 0;
    for (std::size_t i = 0; i < extents.size(); ++i) {
      zeros += extents[i] == 0 || (extents[i] < 0 && open >= 0) ? 1 : 0;
      if (extents[i] < 0)
        open = static_cast<int>(i);
      else
        known *= extents[i];
    }
    if (open >= 0 && zeros == 0) extents[static_cast<std::size_t>(open)] = values / known;
    if (zeros > 0 || loom::Shape(extents).count() != values) {
      s.fail("the shape does not have as many values as the input",
             s.input(0).text() + " to " +
                 (s.has_input("like") ? s.input("like").text() : s.options().values().at("shape").text()),
             "a shape of " + std::to_string(values) + " values per sample, with at most one -1", 0);
      return;
    }
    s.bind_run("S", extents);
  }
  explicit Reshape(const loom::Options&) {}
  void forward(const loom::Forward&) const override {}  // an alias: never called
};
LOOM_NODE(Reshape, "reshape")

}  // namespace
