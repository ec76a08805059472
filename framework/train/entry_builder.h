// The work of complete_entry(), a step a function.
//
// Internal to framework/train. Thread safety: one thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "document/rewrite.h"
#include "train/complete_entry.h"
#include "train/entry_walk.h"
#include "train/posterior.h"

namespace loom {

class EntryBuilder {
 public:
  EntryBuilder(const Document& document, const Registry& registry, const EntryRequest& request);

  GenerateEntry build();

 private:
  // What is shown (entry_builder.cpp).
  void show();
  bool show_like_others();
  void show_observations();
  std::string column_of(const Observation& observation) const;
  void show_draws();
  void show_means() const;
  void feed();
  void drop_unused_feeds();
  std::vector<Port> fed_ports() const;

  // What is drawn (entry_fill.cpp).
  void fill();
  bool add(const Missing& missing);
  void add_draw(Port port, NodeEntry draw);
  void add_prior_draw(Port port);
  void add_label(Port port);
  void add_target(std::size_t observation, std::set<std::size_t> before);
  void replace_target(const Observation& observation, const EntryWalk& walk);
  void fill_target(std::size_t observation, const GenerateEntry& with, const Reference& drawn, const EntryWalk& walk);
  void check_filled(Port port, const EntryWalk& walk) const;
  void leave(const Observation& observation);
  bool is_needed_by_latents(Port target, const EntryWalk& walk) const;

  struct View {  // of an entry so far
    Rewrite rewrite;
    std::shared_ptr<const Graph> graph;
    std::vector<Port> given, filled;
  };
  View view(const GenerateEntry& entry) const;
  std::vector<Port> shown_ports(const View& seen) const;
  EntryWalk walk_from(const View& seen, const std::vector<Port>& ports) const;

  // Why there is no entry (entry_errors.cpp).
  [[noreturn]] void fail(const std::string& reason, const std::string& hint, Port about = {}) const;
  [[noreturn]] void fail_feeds() const;
  [[noreturn]] void fail_codes(Port codes) const;
  [[noreturn]] void fail_input(Port input) const;
  [[noreturn]] void fail_undrawn(Port port) const;
  [[noreturn]] void fail_unordered(const Observation& observation, const std::string& obstacle) const;
  std::vector<std::string> without_prior() const;
  std::string draw_hint() const;

  const std::string& likelihood() const {
    return request_.likelihood.empty() ? entry_.likelihood : request_.likelihood;
  }
  std::string own_path(const std::string& what) const { return "generate/" + entry_.name + "/" + what; }
  std::string name_of(Port port) const { return model_.graph.name_of(port); }

  const Registry& registry_;
  const EntryRequest& request_;
  const std::shared_ptr<const Graph> graph_;
  const std::vector<LossTerm> terms_;
  const Evidence evidence_;
  const GenerativeModel model_;
  const GenerateEntry* own_ = nullptr;  // of the document; null: it has none
  GenerateEntry entry_;
  EntryContext context_;
  bool may_draw_ = true, may_fill_ = true;
  bool show_is_stated_ = true;         // by this entry or another
  std::vector<std::size_t> observed_;  // whose observations are shown, where they are not stated
  std::vector<Reference> left_;        // targets that stay as the data has them
};

}  // namespace loom
