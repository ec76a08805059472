// graph-runner eval: measures a trained model on a split of its data.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/plain_nan.h"
#include "report/measurements.h"
#include "runner/console.h"
#include "runner/failure.h"
#include "runner/model_flags.h"
#include "runner/verbs.h"
#include "train/masks.h"
#include "train/metric_json.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kListed = 32;  // the most values of a list that are printed

struct EvalFlags : ModelFlags {
  std::string data;
  EvaluationOptions options;
  std::optional<std::int64_t> batch;
  std::optional<std::uint64_t> seed;
  bool disentanglement = false;
};

std::string binarization_of(const DataEntry& data) {
  const auto it = data.options.find("binarize");
  return it == data.options.end() ? "none" : it->second.value.text();
}

SessionSettings settings_for(const ModelSource& model, const EvalFlags& request) {
  SessionSettings settings;
  settings.data = model.data(request.data);
  settings.batch = request.batch;
  settings.seed = request.seed;
  settings.threads = request.threads;
  if (model.is_run()) settings.cache = model.path() + "/cache";
  return model.is_run() ? settings_of(model.settings(), std::move(settings)) : settings;
}

// What was measured, and on which data. The values of a single quantizer are also among the others.
Json evaluation_json(const Evaluation& result, const ModelSource& model, const DataEntry& data) {
  Json json = {{"graph", model.document().name}, {"weights", model.weights()},
               {"step", model.steps_done()},     {"data", data.type},
               {"split", result.split},          {"binarize", binarization_of(data)},
               {"data_hash", result.data_hash},  {"samples", result.samples},
               {"terms", Json::object()}};
  json.update(loom::to_json(result.values), true);
  const auto error = json.find("negative_elbo_standard_error");
  json["standard_error"] = error == json.end() ? Json(nullptr) : Json(*error);
  if (const auto quantizers = json.find("quantizers"); quantizers != json.end() && quantizers->size() == 1) {
    const Json only = quantizers->front();
    for (const auto& [key, value] : only.items()) {
      if (key != "finding" && key != "counts") json[key] = value;
    }
  }
  return json;
}

std::string numbers_text(const std::vector<OptionValue>& list) {
  std::string text;
  for (const OptionValue& item : list) {
    const double* number = std::get_if<double>(&item);
    text += number == nullptr ? " " + item.text() : fmt::format(" {:.3f}", *number);
  }
  return text;
}

// A line of the table: "  rate                       12.3456 nats".
void print_value(const MetricValue& value) {
  if (value.key == "finding") return print("  {}\n", std::get<std::string>(value.value));
  std::string unit = value.unit + (value.unit.empty() || value.note.empty() ? "" : ", ") + value.note;
  if (!unit.empty()) unit.insert(0, " ");
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value.value)) {
    if (list->size() <= kListed) return print("  {:<26}{}{}\n", value.title, numbers_text(*list), unit);
    return print("  {:<26} {} values, in --json\n", value.title, list->size());
  }
  const std::string error = value.standard_error ? fmt::format(" +- {:.4f}", *value.standard_error) : "";
  if (const double* number = std::get_if<double>(&value.value)) {
    return print("  {:<26} {:>12.4f}{}{}\n", value.title, plain_nan(*number), error, unit);
  }
  print("  {:<26} {:>12}{}\n", value.title, value.value.text(), unit);
}

void print_table(const Evaluation& result, const ModelSource& model, const DataEntry& data) {
  print("{} on {} samples of {}{} (binarize: {}, {})\n", model.document().name, grouped(result.samples), data.type,
        result.split.empty() ? "" : ", split " + result.split, binarization_of(data), result.data_hash);
  if (!model.weights().empty()) {
    const std::int64_t steps = model.steps_done();
    print("weights {}{}\n", model.weights(), steps > 0 ? fmt::format(", step {}", grouped(steps)) : "");
  }
  std::vector<std::string> subjects = {""};
  for (const MetricValue& value : result.values) {
    if (std::ranges::find(subjects, value.subject) == subjects.end()) subjects.push_back(value.subject);
  }
  for (const std::string& subject : subjects) {
    if (!subject.empty()) print("{}\n", subject);
    for (const MetricValue& value : result.values) {
      if (value.subject == subject && !value.value.empty()) print_value(value);
    }
  }
}

// The run's document; with other data, whose masks it may not know, also with those.
Document document_for(const ModelSource& model, const EvalFlags& request, const DataEntry& data) {
  Document document = model.document();
  if (model.is_run() && request.data.empty()) return document;
  const auto source = model.open(data, request.options.split);
  for (const std::string& notice : source->notices()) say_line("data: " + notice);
  bind_masks(document, source->columns(), model.registry());
  return document;
}

int eval(const EvalFlags& request, bool json) {
  const ModelSource model(request.model, request.model_options());
  const DataEntry data = model.data(request.data);
  Session session(document_for(model, request, data), model.registry(), settings_for(model, request));
  if (!model.weights().empty()) session.load_weights(model.weights());
  const Evaluation result = report::measure(session, model, data, request.options, request.disentanglement);
  if (json)
    print_json(evaluation_json(result, model, data));
  else
    print_table(result, model, data);
  const auto failure = failure_of(result, "the evaluation");
  if (!failure) return kOk;
  say(failure->text() + "\n");
  return kFailed;
}

void add_eval(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "eval", "Evaluate a trained model on held-out data",
                       "graph-runner eval runs/first --nll-samples 100 --json");
  auto request = std::make_shared<EvalFlags>();
  add_model(verb, *request);
  verb.data_flags(request->data, request->options.split);
  verb.option("--nll-samples", request->options.nll_samples, "also estimate -ln p(x) with this many draws per sample")
      .at_least(0);
  verb.flag("--disentanglement", request->disentanglement,
            "also compute MIG, DCI, FactorVAE score and SAP, on data with known factors");
  verb.option("--limit", request->options.limit, "only the first samples; 0: all").at_least(0);
  verb.option("--batch", request->batch, "samples per batch").at_least(1);
  verb.option("--seed", request->seed, "seed of the draws, instead of the run's");
  add_model_flags(verb, *request);
  verb.json_flag();
  verb.action([&invocation, request] { return eval(*request, invocation.json); });
}
LOOM_VERB(20, add_eval)

}  // namespace

}  // namespace loom::runner
