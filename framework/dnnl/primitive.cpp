#include "dnnl/primitive.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace loom::dnnl::detail {

// oneDNN's memory objects are on the heap, and the arguments of a primitive are such objects. Each call borrows a set
// and sets its pointers to the tensors, so a warm call allocates nothing.
class Primitive::ArgumentSets {
 public:
  struct Set {
    std::vector<onednn::memory> memories;
    std::vector<dnnl_exec_arg_t> bound;
  };

  ArgumentSets(std::vector<Argument> arguments, const Desc& scratchpad)
      : arguments_(std::move(arguments)),
        given_(arguments_.size()),
        slots_(std::max(2U, std::thread::hardware_concurrency()) + 1) {
    if (scratchpad.get_size() != 0) arguments_.push_back({DNNL_ARG_SCRATCHPAD, scratchpad});
    for (std::size_t i = 0; i < std::min(kReady, slots_.size()); ++i) slots_[i] = make().release();
  }
  ~ArgumentSets() {
    for (auto& slot : slots_) delete slot.load();
  }
  ArgumentSets(const ArgumentSets&) = delete;
  ArgumentSets& operator=(const ArgumentSets&) = delete;

  std::size_t given() const { return given_; }  // without the scratchpad

  // If there are more simultaneous callers than slots, the others create their own sets.
  std::unique_ptr<Set> borrow() {
    for (auto& slot : slots_) {
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (Set* set = slot.exchange(nullptr, std::memory_order_acquire)) return std::unique_ptr<Set>(set);
    }
    return make();
  }
  void give_back(std::unique_ptr<Set> set) {
    for (auto& slot : slots_) {
      Set* none = nullptr;
      if (slot.compare_exchange_strong(none, set.get(), std::memory_order_release, std::memory_order_relaxed)) {
        set.release();
        return;
      }
    }
  }

 private:
  static constexpr std::size_t kReady = 17;  // created in advance; the others when needed

  std::unique_ptr<Set> make() const {
    auto set = std::make_unique<Set>();
    for (const Argument& argument : arguments_) {
      set->memories.push_back(onednn::memory(argument.desc, engine(), DNNL_MEMORY_NONE));
      set->bound.push_back({argument.index, set->memories.back().get()});
    }
    return set;
  }

  std::vector<Argument> arguments_;
  std::size_t given_;
  std::vector<std::atomic<Set*>> slots_;
};

Primitive::Primitive() = default;
Primitive::~Primitive() = default;
Primitive::Primitive(Primitive&&) noexcept = default;
Primitive& Primitive::operator=(Primitive&&) noexcept = default;

Primitive::Primitive(std::string what, Desc scratchpad, std::vector<Argument> arguments)
    : what_(std::move(what)), scratchpad_(std::move(scratchpad)) {
  sets_ = described(what_, [&] { return std::make_unique<ArgumentSets>(std::move(arguments), scratchpad_); });
}

void Primitive::run(std::initializer_list<const void*> pointers, void* scratch) const {
  if (pointers.size() != sets_->given()) throw std::logic_error("wrong number of pointers for " + what_);
  pin_this_thread();
  described(what_, [&] {
    auto set = sets_->borrow();
    std::size_t i = 0;
    // oneDNN has no type for read-only memory.
    for (const void* pointer : pointers) set->memories[i++].set_data_handle(const_cast<void*>(pointer));
    if (i < set->memories.size()) set->memories[i].set_data_handle(scratch);
    // The C function takes an array; the C++ function needs a hash map for each execution.
    const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), stream().get(),
                                                        static_cast<int>(set->bound.size()), set->bound.data());
    sets_->give_back(std::move(set));
    onednn::error::wrap_c_api(status, "could not execute");
  });
}

}  // namespace loom::dnnl::detail
