// A oneDNN primitive with the descriptions of its arguments. It runs on raw pointers, on any number of threads at once,
// and allocates no memory of its own when it runs. Private to framework/dnnl.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "dnnl/detail.h"

namespace loom::dnnl::detail {

struct Argument {
  int index;  // DNNL_ARG_*
  Desc desc;
};

class Primitive {
 public:
  Primitive();
  ~Primitive();
  Primitive(Primitive&&) noexcept;
  Primitive& operator=(Primitive&&) noexcept;

  template <class Descriptor>
  Primitive(std::string what, const Descriptor& descriptor, std::vector<Argument> arguments)
      : Primitive(std::move(what), descriptor.scratchpad_desc(), std::move(arguments)) {
    primitive_ = described(what_, [&] { return onednn::primitive(descriptor.get()); });
    implementation_ = descriptor.impl_info_str();
  }

  explicit operator bool() const { return sets_ != nullptr; }
  std::size_t scratch_bytes() const { return sets_ ? aligned(scratchpad_.get_size()) : 0; }
  const std::string& implementation() const { return implementation_; }

  // Pointers in the order of the arguments given at construction.
  void run(std::initializer_list<const void*> pointers, void* scratch) const;

 private:
  class ArgumentSets;
  Primitive(std::string what, Desc scratchpad, std::vector<Argument> arguments);

  std::string what_;
  onednn::primitive primitive_;
  std::string implementation_;
  Desc scratchpad_;
  std::unique_ptr<ArgumentSets> sets_;
};

}  // namespace loom::dnnl::detail
