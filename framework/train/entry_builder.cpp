#include "train/entry_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"
#include "train/ancestry.h"
#include "train/related_node.h"

namespace loom {
namespace {

const GenerateEntry* find_entry(const Document& document, const std::string& name) {
  const auto it = std::ranges::find(document.generate, name, &GenerateEntry::name);
  return it == document.generate.end() ? nullptr : &*it;
}

bool shows(const GenerateEntry& entry) { return !entry.show.node.empty(); }

}  // namespace

EntryBuilder::EntryBuilder(const Document& document, const Registry& registry, const EntryRequest& request)
    : registry_(registry),
      request_(request),
      graph_(build_checked(document.nodes, registry)),
      terms_(resolve_losses(document, *graph_)),
      evidence_(find_evidence(*graph_, terms_)),
      model_{document, *graph_, find_observations(*graph_, terms_, evidence_),
             find_prior_draws(document, *graph_, evidence_)} {
  own_ = request.name.empty() ? nullptr : find_entry(document, request.name);
  if (own_ != nullptr) entry_ = *own_;
  entry_.name = request.name.empty() ? "decode" : request.name;
  may_draw_ = entry_.draws.empty();
  may_fill_ = entry_.autoregressions.empty();
  context_ = {.data = request.data, .labels = request.labels, .like = nullptr};
  if (request.name != "sample") context_.like = find_entry(document, "sample");
}

GenerateEntry EntryBuilder::build() {
  const bool states_show = own_ != nullptr && shows(*own_);
  const bool states_feeds = !entry_.feeds.empty();
  show();
  if (request_.fed && !states_feeds) feed();
  // What is computed from data is what the entry says, unless it does not say what.
  if (!request_.data || !states_show) fill();
  if (request_.fed && !states_feeds) drop_unused_feeds();
  if (show_is_stated_ && likelihood() == "draw") show_draws();
  if (show_is_stated_ && likelihood() == "mean") show_means();
  return std::move(entry_);
}

void EntryBuilder::show() {
  show_is_stated_ = shows(entry_) || show_like_others();
  if (!show_is_stated_) show_observations();
}

bool EntryBuilder::show_like_others() {
  for (const char* name : {"sample", "reconstruct"}) {
    const GenerateEntry* other = find_entry(model_.document, name);
    if (other == nullptr || other->name == entry_.name || !shows(*other)) continue;
    entry_.show = other->show;
    entry_.shows = other->shows;
    return true;
  }
  return false;
}

void EntryBuilder::show_observations() {
  for (std::size_t i = 0; i < model_.observations.size(); ++i)
    if (!model_.observations[i].is_codes) observed_.push_back(i);
  if (observed_.empty()) {
    const bool any = !model_.document.losses.empty();
    fail(any ? "no loss is a likelihood of the data whose mean is known" : "it has no losses",
         fmt::format("write generate: {{{}: {{show: NODE}}}}", entry_.name));
  }
  for (const std::size_t i : observed_) {
    const Observation& observation = model_.observations[i];
    const std::string path = own_path(observed_.size() > 1 ? "shown-" + std::to_string(i) : "shown");
    Shown shown = likelihood() == "draw" ? Shown{} : mean_of(*graph_, observation, path);
    if (!shown.exists()) shown = draw_of(*graph_, observation, path);
    if (!shown.exists())
      fail(fmt::format("nothing draws from the loss '{}' ({})", observation.loss,
                       graph_->node(observation.node).type->name),
           "its mean is what there is to show: likelihood: mean");
    Reference port = shown.port.valid() ? reference_to(*graph_, shown.port) : Reference{path, "", {}};
    if (!shown.port.valid()) entry_.nodes.push_back(std::move(shown.added));
    if (observed_.size() > 1) entry_.shows.emplace_back(column_of(observation), port);
    if (entry_.show.node.empty()) entry_.show = std::move(port);
  }
}

// The column of the data that an observation is of, where no other is of the same.
std::string EntryBuilder::column_of(const Observation& observation) const {
  const GraphNode& node = graph_->node(observation.target.node);
  if (!node.is_input())
    fail(fmt::format("there are several likelihoods, and '{}', the target of '{}', is no column of the data",
                     name_of(observation.target), observation.loss),
         fmt::format("write generate: {{{}: {{show: {{COLUMN: NODE, ...}}}}}}", entry_.name));
  std::string column = node.path.substr(node.path.rfind('/') + 1);
  for (const auto& [other, port] : entry_.shows)
    if (other == column)
      fail(fmt::format("'{}' is the target of several likelihoods", name_of(observation.target)),
           fmt::format("write generate: {{{}: {{show: NODE}}}}", entry_.name));
  return column;
}

// Draws of the likelihoods take the place of their means in what is shown.
void EntryBuilder::show_draws() {
  const Ancestry shown(*graph_, graph_->port(entry_.show));
  const EntryContext given_latents{.data = true, .labels = false, .like = nullptr};
  EntryWalk walk(model_, given_latents, *graph_, {}, {});
  walk.from(graph_->port(entry_.show));
  bool is_draw = false;
  for (std::size_t i = 0; i < model_.observations.size(); ++i) {
    const Observation& observation = model_.observations[i];
    if (observation.is_codes) continue;
    const Port mean = mean_of(*graph_, observation, "").port, draw = draw_of(*graph_, observation, "").port;
    is_draw = is_draw || (draw.valid() && shown.has(draw)) || walk.reaches_target(i);
    if (!mean.valid() || !shown.has(mean)) continue;
    NodeEntry drawing = drawing_entry(model_.document, *graph_, observation);
    if (drawing.type.empty())
      fail(fmt::format("nothing draws from the loss '{}' ({})", observation.loss,
                       graph_->node(observation.node).type->name),
           "its mean is what there is to show: likelihood: mean");
    const auto is_target = [&](const AutoregressionEntry& filled) {
      return graph_->find_port(filled.input) == observation.target;
    };
    if (std::ranges::any_of(entry_.autoregressions, is_target))
      fail(fmt::format("'{}' is drawn position by position, and its mean depends on the draws",
                       name_of(observation.target)),
           fmt::format("write generate: {{{}: {{show: {}}}}}", entry_.name, name_of(observation.target)));
    add_draw(mean, std::move(drawing));
    is_draw = true;
  }
  if (!is_draw)
    fail(fmt::format("'{}' is not computed from the mean of a likelihood, so there is nothing to draw",
                     entry_.show.text()),
         "leave out likelihood, or show, which then follows from the losses");
}

void EntryBuilder::show_means() const {
  const Ancestry shown(*graph_, graph_->port(entry_.show));
  for (const Observation& observation : model_.observations) {
    const Shown mean = mean_of(*graph_, observation, ""), draw = draw_of(*graph_, observation, "");
    if (observation.is_codes || !mean.exists() || (mean.port.valid() && shown.has(mean.port))) continue;
    if (draw.port.valid() && shown.has(draw.port))
      fail(fmt::format("'{}' is a draw from the loss '{}', not its mean", entry_.show.text(), observation.loss),
           fmt::format("write generate: {{{}: {{show: NODE}}}} with the mean, or leave out show", entry_.name));
  }
}

// What encode gives.
void EntryBuilder::feed() {
  for (const Port port : fed_ports()) entry_.feeds.push_back(reference_to(*graph_, port));
  if (entry_.feeds.empty()) fail_feeds();
}

void EntryBuilder::drop_unused_feeds() {
  const View seen = view(entry_);
  Ancestry shown(*seen.graph);
  for (const Port port : shown_ports(seen)) shown.add(port);
  std::erase_if(entry_.feeds,
                [&](const Reference& feed) { return !shown.has(seen.graph->port(seen.rewrite.resolved(feed))); });
  if (entry_.feeds.empty()) fail_feeds();
}

std::vector<Port> EntryBuilder::fed_ports() const {
  std::vector<Port> ports;
  const std::vector<Posterior> posteriors = find_posteriors(*graph_, terms_);
  const auto latent = [](const Posterior& posterior) {
    return posterior.drawn.valid() ? posterior.drawn : posterior.mu;
  };
  const GenerateEntry* encode = find_entry(model_.document, "encode");
  if (encode != nullptr && shows(*encode) && encode->draws.empty()) {
    const Port port = graph_->port(encode->show);
    const auto of_mean = std::ranges::find(posteriors, port, &Posterior::mu);
    return {of_mean == posteriors.end() ? port : latent(*of_mean)};
  }
  for (int i = 0; i < graph_->size(); ++i) {
    const Contract& contract = graph_->node(i).contract();
    const int codes = contract.output_index("codes");
    if (contract.role() == Role::quantizer && codes >= 0) ports.push_back({i, codes});
  }
  if (!ports.empty()) return ports;
  std::ranges::transform(posteriors, std::back_inserter(ports), latent);
  return ports;
}

GenerateEntry complete_entry(const Document& document, const Registry& registry, const EntryRequest& request) {
  return EntryBuilder(document, registry, request).build();
}

}  // namespace loom
