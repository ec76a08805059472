#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "loom/error.h"
#include "train/entry_builder.h"

namespace loom {

void EntryBuilder::fail(const std::string& reason, const std::string& hint, Port about) const {
  Diagnostic finding;
  finding.code = own_ != nullptr ? ErrorCode::missing_input : ErrorCode::usage;
  finding.where = own_ != nullptr ? own_->where : Location{model_.document.file, 0, 0};
  finding.message = own_ != nullptr ? fmt::format("generate.{} does not say all that it needs: {}", entry_.name, reason)
                                    : fmt::format("the graph does not say how to {}: {}", entry_.name, reason);
  finding.hint = hint;
  if (about.valid()) {
    finding.other = graph_->node(about.node).where;
    finding.other_role = fmt::format("'{}'", graph_->node(about.node).path);
  }
  throw Error(std::move(finding));
}

void EntryBuilder::fail_feeds() const {
  fail(fmt::format("'{}' is computed from no latent variable and no codes", entry_.show.text()),
       fmt::format("write generate: {{{}: {{feed: NODE, show: NODE}}}}", entry_.name));
}

void EntryBuilder::fail_codes(Port codes) const {
  fail(fmt::format("the codes of '{}' have no prior among the losses", graph_->node(codes.node).path),
       "train a prior of the codes on top of the run: graphs/pixelcnn-prior.yaml", codes);
}

void EntryBuilder::fail_input(Port input) const {
  if (!request_.priors)
    throw Error(
        ErrorCode::not_supported,
        fmt::format("'{}' also depends on '{}', not only on the latent variable", entry_.show.text(), name_of(input)),
        classes_of(*graph_, input.node) > 0 ? "give --class, or --item, which provides it"
                                            : "give --item, which provides it");
  const bool shows_own_draw = std::ranges::find(entry_.nodes, entry_.show.node, &NodeEntry::path) != entry_.nodes.end();
  if (shows_own_draw && !observed_.empty() && without_prior().empty()) {
    const std::string target = name_of(model_.observations[observed_.front()].target);
    fail(fmt::format("'{}' is drawn given '{}', which nothing draws", target, name_of(input)),
         fmt::format("graph-runner reconstruct draws it for items of the data; generate: {{{}: {{draw: {{{}: {{type: "
                     "...}}}}}}}} would draw what it is given",
                     entry_.name, name_of(input)),
         input);
  }
  std::vector<std::string> reasons = {
      fmt::format("'{}' is computed from '{}', which nothing draws", entry_.show.text(), name_of(input))};
  for (const std::string& sampler : without_prior())
    reasons.push_back(fmt::format("no loss says from which prior '{}' is drawn", sampler));
  fail(fmt::format("{}", fmt::join(reasons, "; ")), draw_hint(), input);
}

// Samplers that what is shown depends on.
std::vector<std::string> EntryBuilder::without_prior() const {
  std::vector<std::string> samplers;
  const View seen = view(entry_);
  const EntryWalk walk = walk_from(seen, shown_ports(seen));
  for (const int latent : walk.latents()) {
    const GraphNode& node = graph_->node(latent);
    if (node.contract().role() == Role::sampler && !model_.prior_draws.contains({latent, 0}))
      samplers.push_back(node.path);
  }
  return samplers;
}

void EntryBuilder::fail_undrawn(Port port) const {
  fail(fmt::format("'{}' depends on '{}', which is not drawn", entry_.show.text(), name_of(port)),
       fmt::format("a draw for each such port, draw: {{{}: {{type: ...}}}}; or leave out draw, which then follows from "
                   "the losses",
                   name_of(port)),
       port);
}

void EntryBuilder::fail_unordered(const Observation& observation, const std::string& obstacle) const {
  if (!without_prior().empty()) fail_input(observation.target);
  const std::string target = name_of(observation.target);
  const std::vector<Posterior> posteriors = find_posteriors(*graph_, terms_);
  const auto is_bottleneck = [](const Posterior& posterior) { return !posterior.drawn.valid(); };
  if (std::ranges::any_of(posteriors, is_bottleneck))
    fail(fmt::format("'{}' is computed from the input '{}', and no latent variable between them has a prior",
                     entry_.show.text(), target),
         draw_hint());
  fail(fmt::format("'{}' is computed from its own target '{}', not position by position: {}", entry_.show.text(),
                   target, obstacle),
       fmt::format(
           "write generate: {{{}: {{autoregressive: {{input: {}, from: NODE}}}}}} if a position depends on those "
           "before it only, or draw: {{NODE: {{type: standard_normal}}}} for a latent variable",
           entry_.name, target));
}

std::string EntryBuilder::draw_hint() const {
  std::string draws;
  for (const Posterior& posterior : find_posteriors(*graph_, terms_)) {
    const Port z = posterior.drawn.valid() ? posterior.drawn : posterior.mu;
    if (!model_.prior_draws.contains(z))
      draws += fmt::format("{}{}: {{type: standard_normal}}", draws.empty() ? "" : ", ", name_of(z));
  }
  if (draws.empty()) draws = "NODE: {type: ...}";
  return fmt::format("write generate: {{{}: {{draw: {{{}}}, show: {}}}}}", entry_.name, draws, entry_.show.text());
}

}  // namespace loom
