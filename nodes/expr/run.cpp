#include "expr/run.h"

#include <algorithm>
#include <cstring>

#include "expr/walk.h"

namespace loom::formula {
namespace {

constexpr std::int64_t kUnit = 16;

std::int64_t register_stride(const Plan& plan) { return plan.block + math::kBlockPadding; }

class Executor {
 public:
  Executor(const Plan& plan, const Memory& memory, std::span<const void* const> sources,
           std::span<float* const> targets, Needed wanted)
      : plan_(plan), memory_(memory), sources_(sources), targets_(targets), wanted_(wanted) {
    const std::int64_t stride = register_stride(plan);
    const auto registers = plan.constants.size() + static_cast<std::size_t>(plan.slots);
    for (std::size_t i = 0; i < registers; ++i)
      memory.table[i] = memory.registers.data() + static_cast<std::int64_t>(i) * stride;
    for (std::size_t i = 0; i < plan.constants.size(); ++i) std::fill_n(memory.table[i], plan.block, plan.constants[i]);
  }

  void rows(std::int64_t first, std::int64_t count) {
    first_ = first;
    rows_ = count;
    for (const auto& stage : plan_.stages) {
      if (const auto* loop = std::get_if<Loop>(&stage)) {
        if ((loop->needed_for & wanted_) != 0) run_loop(*loop);
      } else if (const Scan& scan = std::get<Scan>(stage); (scan.needed_for & wanted_) != 0) {
        run_scan(scan);
      }
    }
  }

 private:
  bool wants(Needed needed_for) const { return (needed_for & wanted_) != 0; }

  float* floats(const Place& place) const {
    const auto index = static_cast<std::size_t>(place.index);
    if (place.kind == Place::Kind::temporary) return memory_.temporaries.data() + plan_.temporaries_at[index];
    float* start = place.kind == Place::Kind::target ? targets_[index]
                                                     : const_cast<float*>(static_cast<const float*>(sources_[index]));
    return start == nullptr ? nullptr : start + first_ * place.count;
  }

  void run_loop(const Loop& loop) {
    for (const Gather& gather : loop.gathers) start(gather);
    if (loop.count <= plan_.block) {
      block(loop, rows_, 0, loop.count);
    } else {
      const std::int64_t pieces = (loop.count + plan_.block - 1) / plan_.block;
      const std::int64_t piece = ((loop.count + pieces - 1) / pieces + kUnit - 1) / kUnit * kUnit;
      for (std::int64_t at = 0; at < loop.count; at += piece) block(loop, 1, at, std::min(piece, loop.count - at));
    }
    for (const Gather& gather : loop.gathers) finish(gather);
  }

  // Values [start, start + count) of rows, where there are several, of whole ones.
  void block(const Loop& loop, std::int64_t rows, std::int64_t start, std::int64_t count) {
    for (const Direct& direct : loop.directs) {
      float* place = floats(direct.place);
      memory_.table[direct.entry] = place == nullptr ? nullptr : place + start;
    }
    for (const Load& load : loop.loads) {
      if (!wants(load.needed_for)) continue;
      if (load.from.integers)
        fill(load,
             static_cast<const std::int32_t*>(sources_[static_cast<std::size_t>(load.from.index)]) +
                 first_ * load.from.count,
             rows, start, count);
      else
        fill(load, static_cast<const float*>(floats(load.from)), rows, start, count);
    }
    math::run_block(loop.steps, memory_.table.data(), rows * count, wanted_);
    for (const Gather& gather : loop.gathers) {
      if (wants(gather.needed_for)) add(gather, memory_.table[gather.entry], rows, start, count);
    }
  }

  template <class T>
  void fill(const Load& load, const T* from, std::int64_t rows, std::int64_t start, std::int64_t count) const {
    float* to = memory_.table[load.entry];
    if (load.from.count == 1 && rows > 1) return repeat(from, rows, count, to);
    for (std::int64_t row = 0; row < rows; ++row, from += load.from.count, to += count) {
      for_each_run(load.walk, start, count, [&](const Run& run) {
        const T* x = from + run.at;
        float* y = to + run.position - start;
        if (run.stride == 0) return repeat(x, run.count, run.length, y, run.step);
        for (std::int64_t i = 0; i < run.count; ++i, x += run.step, y += run.length) copy(x, run.length, y);
      });
    }
  }

  static void copy(const float* x, std::int64_t n, float* y) {
    std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(float));
  }
  static void copy(const std::int32_t* x, std::int64_t n, float* y) {
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
  }
  static void repeat(const float* x, std::int64_t runs, std::int64_t n, float* y, std::int64_t step = 1) {
    if (step == 1 || runs == 1) return math::repeat_each(x, runs, n, y);
    for (std::int64_t r = 0; r < runs; ++r) math::repeat_each(x + r * step, 1, n, y + r * n);
  }
  static void repeat(const std::int32_t* x, std::int64_t runs, std::int64_t n, float* y, std::int64_t step = 1) {
    for (std::int64_t r = 0; r < runs; ++r) std::fill_n(y + r * n, n, static_cast<float>(x[r * step]));
  }

  // --- Reductions ---
  float* result(const Gather& gather) const {
    return memory_.temporaries.data() + plan_.temporaries_at[static_cast<std::size_t>(gather.temporary)];
  }
  double* sums(const Gather& gather) const { return memory_.sums.data() + gather.sums * plan_.rows; }

  void start(const Gather& gather) const {
    const std::int64_t n = gather.count * rows_;
    const double identity = math::identity_of(gather.reduction);
    if (gather.sums >= 0)
      std::fill_n(sums(gather), n, identity);
    else
      std::fill_n(result(gather), n, static_cast<float>(identity));
  }

  void finish(const Gather& gather) const {
    if (gather.sums < 0) return;
    const double* from = sums(gather);
    float* to = result(gather);
    for (std::int64_t i = 0; i < gather.count * rows_; ++i) to[i] = static_cast<float>(from[i]);
  }

  void add(const Gather& gather, const float* x, std::int64_t rows, std::int64_t start, std::int64_t count) const {
    const bool whole_runs = gather.walk.size() == 1 || (gather.walk.size() == 2 && gather.walk.front().stride == 1);
    if (gather.sums >= 0 && rows > 1 && whole_runs)  // the runs of all rows lie one after the other
      return math::reduce_rows(gather.reduction, x, rows * gather.count, gather.walk.back().extent, sums(gather));
    for (std::int64_t row = 0; row < rows; ++row, x += count) {
      for_each_run(gather.walk, start, count, [&](const Run& run) {
        const float* values = x + run.position - start;
        const std::int64_t at = row * gather.count + run.at;
        if (gather.sums >= 0 && (run.count == 1 || run.step == 1))
          math::reduce_rows(gather.reduction, values, run.count, run.length, sums(gather) + at);
        else if (gather.sums >= 0)
          for (std::int64_t i = 0; i < run.count; ++i)
            math::reduce_rows(gather.reduction, values + i * run.length, 1, run.length,
                              sums(gather) + at + i * run.step);
        else if (run.step == 0)
          math::reduce_columns(gather.reduction, values, run.count, run.length, result(gather) + at);
        else
          for (std::int64_t i = 0; i < run.count; ++i)
            math::reduce_columns(gather.reduction, values + i * run.length, 1, run.length,
                                 result(gather) + at + i * run.step);
      });
    }
  }

  // --- Scans ---
  void run_scan(const Scan& scan) const {
    const float* from = floats(scan.from);
    float* to = floats(scan.to);
    const std::int64_t size = scan.extent * scan.inner;
    for (std::int64_t i = 0; i < rows_ * scan.outer; ++i, from += size, to += size) {
      for (std::int64_t k = 0; k < scan.inner; ++k) {
        if (scan.kind == Operation::Kind::cumulate)
          cumulate(scan, from + k, to + k);
        else
          others(scan, from + k, to + k);
      }
    }
  }

  static void cumulate(const Scan& scan, const float* from, float* to) {
    double sum = 0;
    for (std::int64_t i = 0; i < scan.extent; ++i) {
      const std::int64_t at = (scan.reverse ? scan.extent - 1 - i : i) * scan.inner;
      to[at] = static_cast<float>(sum += static_cast<double>(from[at]));
    }
  }

  // The product before each position, times the product after it.
  static void others(const Scan& scan, const float* from, float* to) {
    double product = 1;
    for (std::int64_t i = 0; i < scan.extent; ++i) {
      to[i * scan.inner] = static_cast<float>(product);
      product *= static_cast<double>(from[i * scan.inner]);
    }
    product = 1;
    for (std::int64_t i = scan.extent; i-- > 0;) {
      to[i * scan.inner] = static_cast<float>(static_cast<double>(to[i * scan.inner]) * product);
      product *= static_cast<double>(from[i * scan.inner]);
    }
  }

  const Plan& plan_;
  const Memory& memory_;
  std::span<const void* const> sources_;
  std::span<float* const> targets_;
  Needed wanted_;
  std::int64_t first_ = 0, rows_ = 0;  // of the rows that are computed at once
};

}  // namespace

std::int64_t register_floats(const Plan& plan) {
  return (plan.slots + static_cast<std::int64_t>(plan.constants.size())) * register_stride(plan);
}

void run(const Plan& plan, const Memory& memory, std::span<const void* const> sources, std::span<float* const> targets,
         std::int64_t rows, Needed wanted) {
  Executor executor(plan, memory, sources, targets, wanted);
  for (std::int64_t first = 0; first < rows; first += plan.rows)
    executor.rows(first, std::min(plan.rows, rows - first));
  for (std::size_t k = 0; k < plan.zero_targets.size(); ++k) {
    if (plan.zero_targets[k] >= 0 && targets[k] != nullptr) std::fill_n(targets[k], rows * plan.zero_targets[k], 0.0F);
  }
}

}  // namespace loom::formula
