// Adds a learned vector for each position, so that attention can tell positions apart.
//   sequence  y[n, t]    = x[n, t]    + weight[t]                    x [N, T, C],    weight [T, C]
//   raster    y[n, h, w] = x[n, h, w] + rows[h] + columns[w]         x [N, H, W, C], rows [H, C], columns [W, C]
// Parmar et al. 2018, Image Transformer, section 3.1: each coordinate of an image has a separate table.
#include <fmt/format.h>

#include "loom/node.h"
#include "nn/positions.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class LearnedPositions final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Adds a learned vector for each position of a sequence, or for each row and column of an image");
    c.source("Parmar et al. 2018, Image Transformer, section 3.1; Vaswani et al. 2017, section 3.5");
    c.input("x", "[N, ...S, C]", "features; S is [T], or [H, W] with over: raster");
    c.output("y", "[N, ...S, C]", "features with their positions");
    c.option("over", "sequence", loom::text({"sequence", "raster"}), "raster: an image, by its rows and columns");
    const auto over = [](const char* what) {
      return [what](const loom::Options& o) { return o.text("over") == what; };
    };
    const loom::Initializer small = loom::normal_values(0, 0.02);
    c.parameter("weight", "[T, C]", small, "vector of each position").only_if(over("sequence"));
    c.parameter("rows", "[H, C]", small, "vector of each row").only_if(over("raster"));
    c.parameter("columns", "[W, C]", small, "vector of each column").only_if(over("raster"));
    c.causal("S");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    const bool raster = s.options().text("over") == "raster";
    const auto& axes = s.run_extents("S");
    if (axes.size() != (raster ? 2U : 1U)) {
      return s.fail(fmt::format("over: {} needs positions that are {}", raster ? "raster" : "sequence",
                                raster ? "the rows and columns of an image" : "one axis"),
                    s.input(0).text(), raster ? "[N, H, W, C]" : "[N, T, C], or over: raster", 0);
    }
    s.bind("T", axes.back());
    s.bind("H", axes.front());
    s.bind("W", axes.back());
  }
  explicit LearnedPositions(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    axes_ = position_axes(p.input(0));
    vectors_ = p.scratch<float>(p.incremental ? axes_.channels : axes_.count() * axes_.channels);
  }

  void forward(const loom::Forward& f) const override {
    float* vectors = vectors_(f).data();
    for (std::int64_t p = 0; p < axes_.count(); ++p) sum_of(f, p, vectors + p * axes_.channels);
    add_positions(f.input(0), vectors, f.output(0), f.rows);
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView diff_y = b.diff_output(0);
    if (b.wants_diff(0)) std::ranges::copy(diff_y.values(), b.diff_input(0).data());
    const int tables = axes_.raster ? 2 : 1;
    for (int table = 0; table < tables; ++table) {
      const loom::TensorView sums = b.diff_parameter(name(table));
      if (sums.empty()) continue;
      for (std::int64_t n = 0; n < b.rows; ++n) {
        const float* diff = diff_y[n].data();
        for (std::int64_t p = 0; p < axes_.count(); ++p, diff += axes_.channels) {
          float* sum = sums.data() + row(table, p) * axes_.channels;
          math::add(sum, diff, sum, axes_.channels);
        }
      }
    }
  }

  void advance(const loom::Advance& a) const override {
    float* vector = vectors_(a).data();
    advance_positions(a, axes_.channels, [&](std::int64_t p) {
      sum_of(a, p, vector);
      return vector;
    });
  }

 private:
  const char* name(int table) const { return !axes_.raster ? "weight" : table == 0 ? "rows" : "columns"; }
  std::int64_t row(int table, std::int64_t position) const {
    return axes_.raster && table == 0 ? position / axes_.width : position % axes_.width;
  }
  // The vector of a position.
  void sum_of(const loom::Call& call, std::int64_t position, float* out) const {
    const std::int64_t channels = axes_.channels;
    const float* first = call.parameter(name(0)).data() + row(0, position) * channels;
    if (!axes_.raster) {
      std::copy_n(first, channels, out);
    } else {
      math::add(first, call.parameter("columns").data() + row(1, position) * channels, out, channels);
    }
  }

  PositionAxes axes_;
  loom::Slot<float> vectors_;  // per position; of one position while a map is drawn
};
LOOM_NODE(LearnedPositions, "learned_positions")

}  // namespace
