#include "document/iteration_section.h"

#include "document/section.h"
#include "graph/noise_schedule.h"

namespace loom {

const std::vector<IterationPort>& iteration_ports() {
  static const std::vector<IterationPort> ports = {
      {"state", &IterationEntry::state, true}, {"time", &IterationEntry::time, false},
      {"by", &IterationEntry::by, true},       {"first", &IterationEntry::first, false},
      {"into", &IterationEntry::into, false},  {"unconditional", &IterationEntry::unconditional, false}};
  return ports;
}

namespace {

void declare_iteration_ports(SectionType<IterationEntry>& s) {
  const char* port = "a node, or node.port";
  s.form("state", port, "the port that is fed with the state x of each step");
  s.form("time", port, "the port that is fed with the time t of each step, f32 [N] or [N, 1]");
  s.form("first", port,
         "the first state, of the shape of `state` (E207), which is computed once; default: noise N(0, `scale`^2)");
  s.form("by", port, "the output of the network, of the shape of `state` (E207), which is computed from it");
  s.form("into", port, "the port that takes the final state, of the shape of `state` (E207); default: `state` itself");
  s.form("unconditional", port, "what the network gives without its condition, of the shape of `by`, for `guidance`");
}

void declare_iteration_solver(SectionType<IterationEntry>& s) {
  s.key(
      "predicts", &IterationEntry::predicts, text({"velocity", "noise", "data", "v", "score"}),
      "what `by` is: dx/dt; the noise e or the data of x = alpha data + sigma e; alpha e - sigma data (Salimans and Ho "
      "2022); the score -e / sigma");
  s.key("schedule", &IterationEntry::schedule, text(noise_schedule_names()), "alpha and sigma as functions of time");
  s.key("solver", &IterationEntry::solver, text({"euler", "midpoint", "heun", "ddim", "ddpm", "langevin", "replace"}),
        "how a step is made; midpoint and heun compute `by` twice a step; replace takes `by` as the next state");
  s.key("steps", &IterationEntry::steps, integer().at_least(1).at_most(kMaxIterations), "number of steps");
  s.key(
      "grid", &IterationEntry::grid, text({"uniform", "karras"}),
      "the times of the steps: equally spaced; or equally spaced in t^(1 / rho), and then a last step to 0 (Karras et "
      "al. 2022)");
  s.key("from", &IterationEntry::from, at_least(0),
        "the first time; default: 1; of edm 80; 0.98 if alpha is 0 at 1 and must be divided by");
  s.key("to", &IterationEntry::to, at_least(0),
        "the last time; default: 0; of the grid karras 0.002, before the last step");
  s.key("rho", &IterationEntry::rho, positive(), "exponent of the grid karras; default: 7");
  s.key("scale", &IterationEntry::scale, at_least(0),
        "standard deviation of the first state; default: 1; of edm the first time");
  s.key("eta", &IterationEntry::eta, at_least(0).at_most(1),
        "noise of a step of ddim, as a part of that of ddpm; default: 0, which draws none");
  s.key("step_size", &IterationEntry::step_size, positive(),
        "step h of langevin, which needs it; with `time` it is multiplied by sigma^2");
  s.key("temperature", &IterationEntry::temperature, at_least(0),
        "langevin adds noise of the variance 2 h temperature; default: 1");
  s.key(
      "guidance", &IterationEntry::guidance, number(),
      "weight w of the condition: u + w (c - u) with u of `unconditional` and c of `by` (Ho and Salimans 2022); 1: c");
}

}  // namespace

const SectionType<IterationEntry>& iteration_section() {
  static const SectionType<IterationEntry> section = [] {
    SectionType<IterationEntry> s("iterate");
    declare_iteration_ports(s);
    declare_iteration_solver(s);
    return s;
  }();
  return section;
}

std::vector<IterationEntry> read_iterations(const Value& value, const std::string& owner, Diagnostics& diagnostics) {
  std::vector<IterationEntry> entries;
  const bool several = value.kind == Value::Kind::sequence;
  for (const Value& item : several ? value.items : std::vector<Value>{value}) {
    IterationEntry& entry = entries.emplace_back();
    entry.where = item.where;
    Section section(item, owner + "." + iteration_section().name(), diagnostics);
    for (const auto& [key, port, required] : iteration_ports()) {
      const Value* text = required ? &section.required(key) : section.get(key);
      if (text == nullptr) continue;
      Reference& reference = entry.*port;
      reference.where = text->where;
      section.read(key, reference.node);
      reference.reported = reference.node.empty();
    }
    iteration_section().read(section, entry);
    section.finish();
  }
  return entries;
}

OptionValue iterations_tree(const std::vector<IterationEntry>& entries) {
  std::vector<OptionValue> items;
  for (const IterationEntry& entry : entries) {
    OptionMap map;
    for (const auto& [key, port, required] : iteration_ports())
      if (const Reference& reference = entry.*port; !reference.node.empty()) map.push_back({key, reference.text()});
    for (OptionMember& member : iteration_section().values(entry)) map.push_back(std::move(member));
    items.emplace_back(std::move(map));
  }
  return OptionValue(std::move(items));
}

}  // namespace loom
