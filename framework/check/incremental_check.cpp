#include "check/incremental_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "check/incremental_map.h"
#include "loom/error.h"

namespace loom::check {
namespace {

const char* name_of_fill(Filled fill) {
  constexpr const char* kNames[] = {"whole", "through", "before", "rows_before"};
  return kNames[static_cast<int>(fill)];
}

Raster raster_of(const NodeSetup& setup, const IncrementalCheck& check) {
  for (std::size_t i = 0; i < setup.inputs.size(); ++i) {
    if (!check.fills.contains(setup.contract().input_name(static_cast<int>(i)))) continue;
    const Shape& shape = setup.inputs[i].shape();
    if (check.axes == 1) return {1, shape[1], 1};
    return {shape[1], shape[2], 2};
  }
  throw Error(ErrorCode::missing_input, "no input of the node depends on the drawn map",
              "name one in IncrementalCheck::fills");
}

class IncrementalChecker {
 public:
  IncrementalChecker(NodeSetup setup, const IncrementalCheck& check)
      : setup_(std::move(setup)), check_(check), raster_(raster_of(setup_, check)) {
    pointwise_ = contract().is_pointwise(setup_.options);
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      const auto fill = check.fills.find(contract().input_name(static_cast<int>(i)));
      fills_.push_back(fill == check.fills.end() ? Filled::whole : fill->second);
    }
    const std::unique_ptr<Node> node = setup_.type->create(setup_.options);
    for (std::size_t k = 0; k < setup_.outputs.size(); ++k) {
      gives_.push_back(pointwise_ ? *std::ranges::max_element(fills_) : node->filled(fills_, static_cast<int>(k)));
    }
  }

  Report run() {
    if (!pointwise_ && !contract().is_causal(setup_.options)) {
      report_.failures.emplace_back("the node is declared neither causal nor pointwise with these options");
    }
    check_fills();
    const std::vector<Tensor> whole = forward();
    const std::vector<Tensor> drawn = draw_map(setup_, raster_, fills_, gives_);
    for (std::size_t k = 0; k < drawn.size(); ++k) {
      if (drawn[k].shape().rank() > 0) compare_computed(k, drawn[k], positions_first(whole[k], raster_.positions()));
    }
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      if (check_.fills.contains(contract().input_name(static_cast<int>(i)))) check_influence(i, whole);
    }
    return std::move(report_);
  }

 private:
  const Contract& contract() const { return setup_.contract(); }

  std::vector<Tensor> forward() {
    CallResult result = NodeCalls(setup_, 1, false).run({});
    for (const std::string& rule : result.broken_rules) report_.failures.push_back(rule);
    return std::move(result.outputs);
  }

  void check_fills() {
    for (const auto& [name, fill] : check_.gives) {
      ++report_.checks;
      const int k = contract().output_index(name);
      const Filled got = k < 0 ? Filled::whole : gives_[static_cast<std::size_t>(k)];
      if (k < 0 || got != fill) {
        report_.failures.push_back(
            fmt::format("output '{}' is filled {}, not {}", name, name_of_fill(got), name_of_fill(fill)));
      }
    }
  }

  void compare_computed(std::size_t k, const Tensor& got, const Tensor& expected) {
    const std::int64_t computed = raster_.there(gives_[k], raster_.positions() - 1);
    const std::string what = fmt::format("output '{}' position by position", contract().outputs()[k].name);
    if (computed == 0) {
      report_.failures.push_back(what + ": no position is ever computed; the map is too small");
    } else if (got.dtype() == DType::f32) {
      compare(report_, what, got.view().rows(0, computed), expected.view().rows(0, computed), check_.tolerance);
    } else {
      ++report_.checks;
      if (std::memcmp(got.view().raw(), expected.view().raw(), got.view().rows(0, computed).bytes()) != 0)
        report_.failures.push_back(what + ": different values");
    }
  }

  // Changes input i at each position in turn and finds the positions of the outputs that change.
  void check_influence(std::size_t i, const std::vector<Tensor>& whole) {
    Tensor& input = setup_.inputs[i];
    const Tensor original = input.clone();
    const std::int64_t rows = input.count() / (setup_.samples * raster_.positions());
    for (std::int64_t from = 0; from < raster_.positions(); ++from) {
      for (std::int64_t n = 0; n < setup_.samples; ++n) {
        for (std::int64_t c = 0; c < rows; ++c) change(input, (n * raster_.positions() + from) * rows + c);
      }
      const std::vector<Tensor> changed = forward();
      for (std::size_t k = 0; k < whole.size(); ++k) {
        for (std::int64_t to = 0; to < raster_.positions() && whole[k].shape().rank() > 0; ++to)
          judge(i, k, from, to, differs(whole[k], changed[k], to));
      }
      std::memcpy(input.view().raw(), original.view().raw(), original.view().bytes());
    }
  }

  static void change(const Tensor& tensor, std::int64_t element) {
    const auto at = static_cast<std::size_t>(element);
    if (tensor.dtype() == DType::f32)
      tensor.values()[at] += 0.5F;
    else if (tensor.dtype() == DType::i32)
      tensor.values<std::int32_t>()[at] ^= 1;
    else
      tensor.values<std::uint8_t>()[at] ^= 1;
  }

  bool differs(const Tensor& a, const Tensor& b, std::int64_t position) const {
    const std::size_t event = a.view().bytes() / static_cast<std::size_t>(setup_.samples * raster_.positions());
    for (std::int64_t n = 0; n < setup_.samples; ++n) {
      const std::size_t at = static_cast<std::size_t>(n * raster_.positions() + position) * event;
      const auto *x = static_cast<const std::byte*>(a.view().raw()), *y = static_cast<const std::byte*>(b.view().raw());
      if (std::memcmp(x + at, y + at, event) != 0) return true;
    }
    return false;
  }

  void judge(std::size_t i, std::size_t k, std::int64_t from, std::int64_t to, bool changed) {
    ++report_.checks;
    const Glance glance{contract().input_name(static_cast<int>(i)), contract().outputs()[k].name, raster_.place(from),
                        raster_.place(to)};
    const std::optional<std::int64_t> time = raster_.time_of(gives_[k], to);
    const bool too_late = time && from >= raster_.there(fills_[i], *time);
    const bool expected = check_.sees ? check_.sees(glance) : changed;
    if (report_.failures.size() > 8 || !((changed && too_late) || changed != expected)) return;
    report_.failures.push_back(fmt::format("output '{}' at ({}, {}) {} input '{}' at ({}, {}){}", glance.output,
                                           glance.to.row, glance.to.column, changed ? "depends on" : "does not see",
                                           glance.input, glance.from.row, glance.from.column,
                                           changed && too_late ? ", which is not available when it is computed" : ""));
  }

  NodeSetup setup_;
  const IncrementalCheck& check_;
  Raster raster_;
  bool pointwise_ = false;
  std::vector<Filled> fills_, gives_;
  Report report_;
};

}  // namespace

Report check_incremental(const NodeTester& tester, const IncrementalCheck& check) {
  return IncrementalChecker(tester.setup(), check).run();
}

}  // namespace loom::check
