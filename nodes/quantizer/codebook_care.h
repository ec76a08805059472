// How a codebook changes at the end of a training step, apart from gradients: moving averages, initialisation from the
// data, restart of codes that nothing uses; and the figures by which its health is judged.
//
// Averages (van den Oord et al. 2017, appendix A.1), with n_k vectors of the batch at code k and their sum s_k:
//   N_k <- decay N_k + (1 - decay) n_k,   m_k <- decay m_k + (1 - decay) s_k,   e_k <- m_k / N_k
// N_k starts at 1 and m_k at e_k. A code without vectors stays where it is: N_k and m_k shrink alike. A position that a
// mask leaves out is in none of these sums. Quantizers that share a codebook (`weights:`) add their n_k and s_k; how
// often each of them uses a code, and its perplexity, are its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "loom/random.h"

namespace loom::nodes {

class CodebookCare {
 public:
  static void declare(Contract& c) {
    c.option("decay", 0.99, at_least(0).at_most(1), "update: ema; decay of the averages per step").of_weights();
    c.option("init", "uniform", text({"uniform", "data", "kmeans"}),
             "U(-1/codes, 1/codes); or vectors of the first batch; or those and then the means of their clusters")
        .of_weights();
    c.option("kmeans_steps", 10, integer().at_least(0),
             "init: kmeans; steps in which the codes are replaced by the means")
        .of_weights();
    c.option("restart_after", 0, integer().at_least(0),
             "batches after which an unused code becomes a vector of the "
             "batch; 0: never",
             "batches")
        .of_weights();
    const auto ema = [](const Options& o) { return moving(o); };
    const auto from_data = [](const Options& o) { return o.text("init") != "uniform"; };
    c.parameter("codebook", "[codes, D]", uniform_over_rows(), "the codes' vectors, with update: loss")
        .only_if([](const Options& o) { return !moving(o); })
        .also_set_by_node();
    c.state("codebook", "[codes, D]", uniform_over_rows(), "the codes' vectors, with update: ema").only_if(ema);
    c.state("cluster_size", "[codes]", ones(), "moving average of a code's number of vectors").only_if(ema);
    c.state("embedding_sum", "[codes, D]", equal_to("codebook"), "moving average of their sum").only_if(ema);
    c.state("unused_for", "[codes]", zeros(), "batches since a code was last used").own();
    c.state("untried", "[codes]", zeros(), "1 for a code that was taken from the data and has not been used since")
        .own();
    c.state("perplexity", "[1]", zeros(),
            "perplexity of the codes of the last batch: exp of the entropy of their histogram")
        .own();
    c.state("batches", "[1]", zeros(), "batches of the initialisation so far").only_if(from_data);
    c.tally("counts", "[codes]", "vectors of each code");
    c.tally("sums", "[codes, D]", "their sum").only_if([](const Options& o) {
      return moving(o) || o.text("init") == "kmeans";
    });
    c.tally("candidates", "[codes, D]", "a vector of the batch for each code that needs a new one")
        .only_if([=](const auto& o) { return from_data(o) || o.integer("restart_after") > 0; });
    c.tally("offered", "[codes]", "1 where there is such a vector: a mask may leave out every position of a sample")
        .only_if([=](const auto& o) { return from_data(o) || o.integer("restart_after") > 0; })
        .only_with("mask");
    c.stochastic_in_training();
  }

  explicit CodebookCare(const Options& o)
      : ema_(moving(o)),
        from_data_(o.text("init") != "uniform"),
        decay_(o.number("decay")),
        start_batches_(o.text("init") == "kmeans" ? 1 + o.integer("kmeans_steps")
                       : from_data_               ? 1
                                                  : 0),
        restart_after_(o.integer("restart_after")),
        codes_(o.integer("codes")) {}

  bool ema() const { return ema_; }
  void prepare(std::int64_t dim) { dim_ = dim; }

  template <class C>
  const float* codebook(const C& call) const {
    return (ema_ ? call.state("codebook") : call.parameter("codebook")).data();
  }

  // Counts one vector `x` of the batch towards code k; `there`: what its mask is.
  struct Tallies {
    float *counts = nullptr, *sums = nullptr;
    std::int64_t dim = 0;
    void add(std::int32_t k, const float* x, float there) const {
      counts[k] += there;
      if (sums == nullptr) return;
      if (there == 1)
        math::add(sums + k * dim, x, sums + k * dim, dim);
      else
        math::accumulate(there, x, sums + k * dim, dim);
    }
  };
  Tallies tallies(const Forward& f) const {
    const TensorView sums = f.tally("sums");
    return {f.tally("counts").data(), sums.empty() ? nullptr : sums.data(), dim_};
  }

  // Candidate k is the vector of the whole batch at place k of a random order; the shard that holds it adds it.
  // vector_at(i, out) adds vector i of this shard, of `vectors`, to out. Where mask_of(row) leaves the place out, the next
  // one of its row that is there takes part, so that the choice does not depend on how the batch is cut.
  template <class Mask, class Vector>
  void add_candidates(const Forward& f, std::int64_t vectors, std::int64_t positions, const Mask& mask_of,
                      const Vector& vector_at) const {
    const TensorView candidates = f.tally("candidates"), offered = f.tally("offered");
    if (candidates.empty() || vectors == 0) return;
    const std::int64_t per_sample = vectors / f.samples, first = f.first_sample * per_sample;
    const std::int64_t total = f.batch_samples * per_sample;
    const std::uint64_t key = f.stream.value(0);
    const bool starting = is_starting(f);
    const float* unused_for = f.state("unused_for").data();
    for (std::int64_t k = 0; k < codes_; ++k) {
      if (!starting && (restart_after_ == 0 || unused_for[k] + 1 < static_cast<float>(restart_after_))) continue;
      const auto place = static_cast<std::int64_t>(
          permuted_index(static_cast<std::uint64_t>(k % total), static_cast<std::uint64_t>(total), key));
      if (place < first || place >= first + vectors) continue;
      const std::int64_t row = (place - first) / positions;
      const std::int64_t position = next_there(mask_of(row), (place - first) % positions);
      if (position < 0) continue;
      vector_at(row * positions + position, candidates.data() + k * dim_);
      if (!offered.empty()) offered.data()[k] = 1;
    }
  }

  void end_step(const EndStep& e) const {
    const float* counts = e.tally("counts").data();
    if (!(math::sum(counts, codes_) > 0)) return;  // an empty batch
    for (std::size_t s = 0; s < e.sharers.size(); ++s) note_use(e, s);
    if (is_starting(e)) {
      start(e, counts);
    } else if (ema_) {
      move(e, counts);
    }
    for (std::int64_t k = 0; restart_after_ > 0 && k < codes_; ++k) {
      if (least_unused_for(e, k) >= static_cast<float>(restart_after_)) reset(e, k);
    }
  }

 private:
  static constexpr float kForgotten = 1e-30F;  // vectors: next to one more, they are nothing

  // The first position from `position` on, cyclically, that is there; -1: none is.
  static std::int64_t next_there(std::span<const float> mask, std::int64_t position) {
    const auto count = static_cast<std::int64_t>(mask.size());
    if (count == 0) return position;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t next = (position + i) % count;
      if (mask[static_cast<std::size_t>(next)] != 0) return next;
    }
    return -1;
  }

  static bool moving(const Options& o) { return o.text("update") == "ema"; }

  template <class C>
  bool is_starting(const C& call) const {
    return from_data_ && call.state("batches").data()[0] < static_cast<float>(start_batches_);
  }

  // The books of one of the quantizers that share the codebook.
  void note_use(const EndStep& e, std::size_t sharer) const {
    const float* counts = e.tally("counts", sharer).data();
    const double total = math::sum(counts, codes_);
    if (!(total > 0)) return;
    e.state("perplexity", sharer).data()[0] = perplexity(counts, total);
    float *unused_for = e.state("unused_for", sharer).data(), *untried = e.state("untried", sharer).data();
    for (std::int64_t k = 0; k < codes_; ++k) {
      unused_for[k] = counts[k] > 0 ? 0 : unused_for[k] + 1;
      if (counts[k] > 0) untried[k] = 0;
    }
  }

  float least_unused_for(const EndStep& e, std::int64_t k) const {
    float least = e.state("unused_for", 0).data()[k];
    for (std::size_t s = 1; s < e.sharers.size(); ++s) least = std::min(least, e.state("unused_for", s).data()[k]);
    return least;
  }

  float perplexity(const float* counts, double total) const {
    double entropy = 0;
    for (std::int64_t k = 0; k < codes_; ++k) {
      const double p = static_cast<double>(counts[k]) / total;
      if (p > 0) entropy -= p * std::log(p);
    }
    return static_cast<float>(std::exp(entropy));
  }

  // The first batch gives the codes, those after it the means of their clusters; an empty cluster starts again.
  void start(const EndStep& e, const float* counts) const {
    float& batches = e.state("batches").data()[0];
    for (std::int64_t k = 0; k < codes_; ++k) {
      if (batches == 0 || counts[k] == 0) {
        reset(e, k);
        continue;
      }
      const float* sum = sum_of(e, k);
      replace(e, k, 1 / counts[k], sum);
      if (ema_) set_averages(e, k, counts[k], sum);
    }
    batches += 1;
  }

  // The sum of the batch's vectors at code k. One beyond the range of a float must not reach the codebook.
  const float* sum_of(const EndStep& e, std::int64_t k) const {
    const float* sum = e.tally("sums").data() + k * dim_;
    if (math::all_finite(sum, dim_)) return sum;
    throw Error(ErrorCode::not_finite, "the sum of the vectors of a code is not finite",
                "check the data of this step, or lower the learning rate");
  }

  // Code k becomes factor times a vector, and nothing remains of what it was.
  void replace(const EndStep& e, std::int64_t k, float factor, const float* vector) const {
    math::scale(factor, vector, codebook(e) + k * dim_, dim_);
    if (!ema_) e.replaced("codebook", k * dim_, dim_);
  }

  // Code k becomes its candidate, which quantizers that share the codebook give in turn; where there is none, it stays
  // until the next batch.
  void reset(const EndStep& e, std::int64_t k) const {
    const std::size_t sharers = e.sharers.size();
    for (std::size_t i = 0; i < sharers; ++i) {
      const std::size_t s = (static_cast<std::size_t>(k) + i) % sharers;
      if (const TensorView offered = e.tally("offered", s); !offered.empty() && offered.data()[k] == 0) continue;
      const float* candidate = e.tally("candidates", s).data() + k * dim_;
      replace(e, k, 1, candidate);
      if (ema_) set_averages(e, k, 1, candidate);
      for (std::size_t other = 0; other < sharers; ++other) {
        e.state("unused_for", other).data()[k] = 0;
        e.state("untried", other).data()[k] = 1;
      }
      return;
    }
  }

  void set_averages(const EndStep& e, std::int64_t k, float count, const float* sum) const {
    e.state("cluster_size").data()[k] = count;
    std::copy_n(sum, dim_, e.state("embedding_sum").data() + k * dim_);
  }

  void move(const EndStep& e, const float* counts) const {
    for (std::int64_t k = 0; k < codes_; ++k) sum_of(e, k);
    float *sizes = e.state("cluster_size").data(), *sums = e.state("embedding_sum").data();
    math::moving_average(sizes, counts, decay_, codes_);
    math::moving_average(sums, e.tally("sums").data(), decay_, codes_ * dim_);
    for (std::int64_t k = 0; k < codes_; ++k) {
      if (counts[k] > 0) {
        math::scale(1 / sizes[k], sums + k * dim_, codebook(e) + k * dim_, dim_);
      } else if (sizes[k] < kForgotten) {  // before they become numbers that the processor is slow with
        sizes[k] = 0;
        std::fill_n(sums + k * dim_, dim_, 0.0F);
      }
    }
  }

  float* codebook(const EndStep& e) const { return (ema_ ? e.state("codebook") : e.parameter("codebook")).data(); }

  bool ema_, from_data_;
  double decay_;
  std::int64_t start_batches_, restart_after_, codes_, dim_ = 0;
};

}  // namespace loom::nodes
