// A record of what ran when: spans of time with a name, a category and the thread, for profiles and trace files.
//
//   Trace trace;
//   executor.set_trace(&trace);
//   ...                              // whatever runs there adds its spans
//   for (const Trace::Span& span : trace.spans()) ...
//
// Without a trace a TraceSpan reads no clock. Spans of one thread lie in each other or side by side.
//
// Ownership: a Trace must outlive the spans that are open. Thread safety: spans may be opened and closed on any thread;
// spans(), dropped() and clear() only while none is open.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace loom {

class Trace {
 public:
  struct Name {
    std::string category;  // forward, backward, optimizer, ...
    std::string text;      // the path of a node; "" where the category says all
  };
  struct Span {
    const Name* name = nullptr;
    int thread = 0;                   // 0, 1, ... in the order in which threads were first seen by this process
    int lane = -1;                    // -1: of no lane
    std::int64_t shard = -1;          // -1: of no shard
    bool is_part = false;             // a piece of the span of that name, on any thread
    std::int64_t begin = 0, end = 0;  // nanoseconds of the steady clock
  };

  // Spans beyond the capacity are counted and dropped.
  explicit Trace(std::size_t capacity = std::size_t{1} << 20) : spans_(capacity) {}

  // The one Name of these words; it stays where it is as long as the trace.
  const Name* name(const std::string& category, const std::string& text = "");
  void add(const Span& span);

  std::span<const Span> spans() const;
  std::size_t dropped() const;
  void clear() { used_ = 0; }

 private:
  std::mutex mutex_;  // of names_
  std::deque<Name> names_;
  std::vector<Span> spans_;
  std::atomic<std::size_t> used_ = 0;
};

// From construction to destruction. Pieces of it that run on other threads are spans of their own: see TracedParts.
class TraceSpan {
 public:
  TraceSpan(Trace* trace, const Trace::Name* name, int lane = -1, std::int64_t shard = -1);
  TraceSpan(Trace* trace, const char* category) : TraceSpan(trace, trace ? trace->name(category) : nullptr) {}
  ~TraceSpan();
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  friend class TracedParts;
  Trace* trace_;
  Trace::Span span_;
  const TraceSpan* outer_ = nullptr;  // of this thread
};

// Parallel work belongs to the span that is open on the thread that starts it:
//   const TracedParts parts;
//   parallel_for(..., [&] { const TracedParts::Part part(parts); ... });
class TracedParts {
 public:
  TracedParts();

  class Part {
   public:
    explicit Part(const TracedParts& parts);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    Trace* trace_;
    Trace::Span span_;
  };

 private:
  Trace* trace_ = nullptr;
  Trace::Span span_;
};

}  // namespace loom
