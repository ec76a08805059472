// What the C functions share: errors are kept for the thread, and no exception crosses.
//
// Thread safety: the last error belongs to its thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "loom/loom.h"
#include "loom/tensor.h"

namespace loom::c {

// Keeps what is being thrown as this thread's last error; called in a catch clause.
loom_status keep_error();
loom_status bad_argument(const char* what);
inline constexpr const char* kNull = "a pointer is NULL";
void forget_error();

template <class Body>
loom_status guarded(const Body& body) {
  forget_error();
  try {
    return body();
  } catch (...) {
    return keep_error();
  }
}

// The caller's struct of options, which may be shorter or longer than ours: what both know. False for one that is too
// short to say its size.
template <class Options>
bool read_options(const Options* given, Options defaults, Options& options) {
  options = defaults;
  if (given == nullptr) return true;
  if (given->size < sizeof(std::size_t)) return false;
  std::memcpy(static_cast<void*>(&options), given, given->size < sizeof(Options) ? given->size : sizeof(Options));
  return true;
}

// The caller's function for notices; empty for NULL.
std::function<void(const std::string&)> notice_of(void (*function)(void*, const char*), void* user);
std::string text_of(const char* text);  // "" for NULL
std::vector<std::string> list_of(const char* const* texts, std::size_t count);
// False for an invalid tensor: no values, a wrong dtype or rank, an extent below 1.
bool view_of(const loom_tensor* tensor, TensorView& view);
loom_tensor describe(DType dtype, const Shape& shape);  // without values
loom_tensor to_c(const Tensor& tensor);                 // a copy that loom_tensor_free() frees

}  // namespace loom::c
