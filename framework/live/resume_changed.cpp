#include "live/resume_changed.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "live/source.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "train/masks.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

std::string data_text(const DataEntry& data) {
  std::string text = data.type;
  for (const auto& [name, option] : data.options) text += fmt::format(" {}={}", name, option.value.text());
  return text;
}

// `train.batch=32` among the overrides means what --batch 32 does; text that is no number is left to whoever reads it.
template <class Number>
void take_number(std::vector<std::string>& overrides, std::string_view path, std::optional<Number>& number) {
  std::erase_if(overrides, [&](const std::string& text) {
    const Override one = parse_override(text);
    Number value{};
    const auto [end, problem] = std::from_chars(one.value.data(), one.value.data() + one.value.size(), value);
    if (one.path != path || problem != std::errc() || end != one.value.data() + one.value.size()) return false;
    if (!number) number = value;
    return true;
  });
}

bool is_of_data(const std::string& override_text) {
  const std::string path = parse_override(override_text).path;
  return path == "data" || path.starts_with("data.");
}

RunSource source_of_run(const RunFolder& run, const std::vector<std::string>& plugins) {
  return {fs::absolute(run.document_path()).lexically_normal().string(), {}, {}, plugins};
}

// What the run shall have: its settings with the changes on top, and what remains for the document.
struct Target {
  RunSettings settings;
  std::vector<std::string> overrides;
  std::optional<std::int64_t> steps;  // that were asked for
  Differences differs;                // from the newest checkpoint
  bool other_data = false;            // other than a change of the content
};

void refuse_seed(std::uint64_t got, std::uint64_t expected) {
  if (got == expected) return;
  Diagnostic finding;
  finding.code = ErrorCode::candidate_unfit;
  finding.where = {"--seed", 0, 0};
  finding.message = "the seed of a run cannot change";
  finding.got = fmt::format("{}", got);
  finding.expected = fmt::format("{}", expected);
  finding.hint = kSeedIsFixed;
  throw Error(std::move(finding));
}

Target target_of(const RunSettings& run, const ResumeChanges& changes, const Registry& registry) {
  Target target{run, changes.overrides, changes.settings.steps, {}, false};
  SessionSettings wanted = changes.settings;
  if (!changes.data.empty()) {
    const auto completed = [&](const DataEntry& entry) {
      return run.card ? with_card(registry, entry, *run.card) : entry;
    };
    const DataEntry entry = completed(with_absolute_paths(take_data(changes.data, target.overrides)));
    if (!same_data(entry, completed(run.data))) target.settings.data = entry;
  } else if (std::ranges::any_of(target.overrides, is_of_data)) {
    target.settings.data = with_absolute_paths(take_data(run.data, target.overrides));
  }
  take_number(target.overrides, "train.batch", wanted.batch);
  take_number(target.overrides, "train.steps", wanted.steps);
  take_number(target.overrides, "train.seed", wanted.seed);
  refuse_seed(wanted.seed.value_or(run.seed), run.seed);
  target.steps = wanted.steps;
  target.settings.steps = wanted.steps.value_or(run.steps);
  target.settings.batch = wanted.batch.value_or(run.batch);
  if (wanted.lanes > 0) target.settings.lanes = wanted.lanes;
  Differences& differs = target.differs;
  differs.batch = target.settings.batch != run.batch;
  target.settings.shard = std::min(wanted.shard > 0 ? wanted.shard : run.shard, target.settings.batch);
  differs.lanes = target.settings.lanes != run.lanes;
  if (!wanted.algorithms.empty()) target.settings.algorithms = recorded_algorithms(wanted.algorithms);
  differs.algorithms = target.settings.algorithms != run.algorithms;
  if (!wanted.precision.empty()) target.settings.precision = checked_precision(wanted.precision);
  differs.precision = target.settings.precision != run.precision;
  differs.shard = target.settings.shard != run.shard;
  target.other_data = !same_data(target.settings.data, run.data);
  differs.data = target.other_data || changes.accept_data;
  return target;
}

// The card of other data, which are read as those of the run were.
std::shared_ptr<const DataCard> card_of(const Registry& registry, const Target& target) {
  TrainingData opened(registry, target.settings.data, target.settings.card);
  auto card = std::make_shared<DataCard>(opened.source()->card());
  card->hash = opened.hash();
  return card;
}

// Changes start from the graph's file where that, with the settings of the run, says what the run's own document does, so
// that `vars` and blocks can be named; else from the run's document, so that no other edit is taken up. True then.
bool starts_from_run(LiveModel& model, const RunFolder& run, const Document& document, bool watch) {
  if (watch) return false;
  bool same = false;
  const auto unreadable = reasons_of([&] {
    Diagnostics findings;
    Document own = load_source(model.source, findings);
    if (!findings.empty() || !own.weight_sources.empty()) return;
    bind_masks(own, model.session->training_data().source()->columns(), *model.registry);
    same = with_settings(own, model.session->settings()).resolved == model.session->document().resolved;
  });
  if (same && unreadable.empty()) return false;
  model.source = source_of_run(run, model.source.plugins);
  model.declared = settings_of(document);
  return true;
}

bool same_size(const DataCard& before, const DataCard& now) {
  return std::ranges::all_of(now.items, [&](const auto& split) {
    const auto it = before.items.find(split.first);
    return it != before.items.end() && it->second == split.second;
  });
}

// What the settings change, and whether the order of the data begins anew.
struct Effect {
  std::vector<std::string> parts;
  bool restarts = false, other_content = false;
};

Effect effect_of(const Target& target, const RunSettings& before, const RunSettings& now) {
  Effect effect;
  const auto compare = [&](const char* what, const auto& is, const auto& was) {
    if (is != was) effect.parts.push_back(fmt::format("{} is {} instead of {}", what, is, was));
  };
  compare("train.steps", now.steps, before.steps);
  compare("train.batch", now.batch, before.batch);
  compare("the number of lanes", now.lanes, before.lanes);
  compare("the shard", now.shard, before.shard);
  compare("algorithms", now.algorithms, before.algorithms);
  compare("the precision", now.precision, before.precision);
  if (target.other_data) compare("data", data_text(now.data), data_text(before.data));
  effect.other_content = target.differs.data && before.card && now.card && before.card->hash != now.card->hash;
  if (effect.other_content && !target.other_data)
    effect.parts.push_back(
        fmt::format("the content of the data is {} instead of {}", now.card->hash, before.card->hash));
  const bool other_size = effect.other_content && !same_size(*before.card, *now.card);
  effect.restarts = target.other_data || target.differs.batch || other_size;
  return effect;
}

std::unique_ptr<Session> open_checkpoint(const RunFolder& run, Document document, const Registry& registry,
                                         const Target& target, int threads, std::optional<CheckpointInfo>& info) {
  SessionSettings settings = settings_of(target.settings, {.threads = threads, .cache = run.cache_path()});
  auto session = std::make_unique<Session>(std::move(document), registry, std::move(settings));
  info = session->restore(run, target.differs);
  require_steps(target.steps, session->steps_done());
  return session;
}

void record(Session& session, const std::string& who, const std::vector<std::string>& parts,
            const std::string& carried) {
  const std::int64_t step = session.steps_done();
  session.metrics()->add_event({step, "resumed", who, fmt::format("from the checkpoint of step {}", step)});
  if (!parts.empty())
    session.metrics()->add_event({step, "swapped", who, fmt::format("{} ({})", fmt::join(parts, "; "), carried)});
}

}  // namespace

bool ResumeChanges::any() const {
  return !overrides.empty() || !data.empty() || accept_data || settings.batch || settings.seed || settings.lanes > 0 ||
         settings.shard > 0 || !settings.algorithms.empty() || !settings.precision.empty();
}

void set_source(LiveModel& model, const RunFolder& run, const Document& document,
                const std::vector<std::string>& plugins) {
  model.source = run.settings().source;
  model.source.plugins = plugins;
  std::error_code ignored;
  const bool is_there = fs::is_regular_file(model.source.graph, ignored);
  if (!is_there || fs::equivalent(model.source.graph, run.document_path(), ignored))
    model.source = source_of_run(run, plugins);
  Diagnostics findings;
  const Document from_source = load_source(model.source, findings);
  model.declared = settings_of(findings.empty() ? from_source : document);
}

Resumed resume_changed(RunFolder& run, LiveModel model, Document document, const ResumeChanges& changes) {
  const RunSettings before = run.settings();
  Target target = target_of(before, changes, *model.registry);
  if (target.differs.data) target.settings.card = card_of(*model.registry, target);
  std::optional<CheckpointInfo> info;
  model.session = open_checkpoint(run, document, *model.registry, target, changes.settings.threads, info);
  const bool from_run = starts_from_run(model, run, document, changes.watch);
  Candidate candidate =
      Preparer(run.path(), changes.program, changes.limits, model)
          .make({.who = changes.who, .libraries = {}, .overrides = target.overrides, .node = {}, .is_forced = true});
  Session& session = *candidate.model.session;
  check_splits(session.document(), *candidate.model.registry, session.data(), target.settings.card.get());

  const Adoption adoption = session.adopt(*model.session);
  Effect effect = effect_of(target, before, session.run_settings());
  if (with_settings(model.session->document(), model.declared).resolved !=
      with_settings(session.document(), model.declared).resolved)
    effect.parts.insert(effect.parts.begin(), candidate.what);
  if (effect.restarts) session.state().restart_data();
  const bool same_measure = !info || info->best_of == model.session->plan().selection.text(model.session->plan());
  session.take_over(run, adoption.measure_changed || !same_measure || target.other_data || effect.other_content);
  if (!effect.parts.empty()) session.commit_to(run);

  Resumed resumed{std::move(candidate.model), {}};
  if (from_run) resumed.model.source.overrides.clear();  // the run's document has them now
  for (const std::string& part : effect.parts) resumed.notes.push_back("changed: " + part);
  if (effect.parts.empty()) resumed.notes.emplace_back("nothing has changed");
  if (effect.restarts && session.steps_done() > 0) {
    effect.parts.emplace_back("the order of the data starts anew");
    resumed.notes.push_back(effect.parts.back());
  }
  record(session, changes.who, effect.parts, describe(adoption));
  resumed.notes.push_back(describe(adoption));
  return resumed;
}

}  // namespace loom
