#include "core/trace.h"

#include <algorithm>
#include <chrono>

namespace loom {
namespace {

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int this_thread() {
  static std::atomic<int> threads = 0;
  thread_local const int index = threads++;
  return index;
}

thread_local const TraceSpan* innermost = nullptr;

}  // namespace

const Trace::Name* Trace::name(const std::string& category, const std::string& text) {
  const std::lock_guard lock(mutex_);
  for (const Name& name : names_) {
    if (name.category == category && name.text == text) return &name;
  }
  return &names_.emplace_back(Name{category, text});
}

void Trace::add(const Span& span) {
  const std::size_t at = used_.fetch_add(1, std::memory_order_relaxed);
  if (at < spans_.size()) spans_[at] = span;
}

std::span<const Trace::Span> Trace::spans() const {
  return std::span(spans_).first(std::min(used_.load(), spans_.size()));
}

std::size_t Trace::dropped() const { return used_ > spans_.size() ? used_ - spans_.size() : 0; }

TraceSpan::TraceSpan(Trace* trace, const Trace::Name* name, int lane, std::int64_t shard) : trace_(trace) {
  if (trace_ == nullptr) return;
  span_ = {.name = name, .thread = this_thread(), .lane = lane, .shard = shard, .begin = now()};
  outer_ = innermost;
  innermost = this;
}

TraceSpan::~TraceSpan() {
  if (trace_ == nullptr) return;
  span_.end = now();
  trace_->add(span_);
  innermost = outer_;
}

TracedParts::TracedParts() {
  if (innermost == nullptr) return;
  trace_ = innermost->trace_;
  span_ = innermost->span_;
  span_.is_part = true;
}

TracedParts::Part::Part(const TracedParts& parts) : trace_(parts.trace_) {
  if (trace_ == nullptr) return;
  span_ = parts.span_;
  span_.thread = this_thread();
  span_.begin = now();
}

TracedParts::Part::~Part() {
  if (trace_ == nullptr) return;
  span_.end = now();
  trace_->add(span_);
}

}  // namespace loom
