#include "embed/c_guard.h"

#include <cstdlib>
#include <new>

#include "loom/error.h"

namespace loom::c {
namespace {

struct LastError {
  loom_status status = LOOM_OK;
  std::string code, text;
};
thread_local LastError last;

loom_status keep(loom_status status, std::string code, std::string text) {
  last = {status, std::move(code), std::move(text)};
  return status;
}

}  // namespace

loom_status keep_error() {
  try {
    try {
      throw;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) return keep(LOOM_OUT_OF_MEMORY, "E305", error.what());
      return keep(LOOM_ERROR, std::string(error_number(error.code())), error.what());
    } catch (const std::bad_alloc&) {
      last.status = LOOM_OUT_OF_MEMORY;  // needs no more memory
      last.code.clear();
      last.text.clear();
      return LOOM_OUT_OF_MEMORY;
    } catch (const std::exception& error) {
      return keep(LOOM_INTERNAL, "E999", error.what());
    } catch (...) {
      return keep(LOOM_INTERNAL, "E999", "an object was thrown that is not a std::exception");
    }
  } catch (...) {  // there is no memory for the text
    return LOOM_OUT_OF_MEMORY;
  }
}

loom_status bad_argument(const char* what) { return keep(LOOM_BAD_ARGUMENT, "", what); }

void forget_error() {
  last.status = LOOM_OK;
  last.code.clear();
  last.text.clear();
}

std::function<void(const std::string&)> notice_of(void (*function)(void*, const char*), void* user) {
  if (function == nullptr) return {};
  return [function, user](const std::string& text) { function(user, text.c_str()); };
}

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

std::vector<std::string> list_of(const char* const* texts, std::size_t count) {
  std::vector<std::string> list;
  for (std::size_t i = 0; texts != nullptr && i < count; ++i) list.push_back(text_of(texts[i]));
  return list;
}

bool view_of(const loom_tensor* tensor, TensorView& view) {
  if (tensor == nullptr || tensor->data == nullptr || tensor->rank < 1 || tensor->rank > LOOM_MAX_RANK) return false;
  Shape shape;
  for (std::int32_t axis = 0; axis < tensor->rank; ++axis) {
    if (tensor->shape[axis] < 1) return false;
    shape.push_back(tensor->shape[axis]);
  }
  switch (tensor->dtype) {
    case LOOM_F32: view = {DType::f32, shape, tensor->data}; return true;
    case LOOM_I32: view = {DType::i32, shape, tensor->data}; return true;
    case LOOM_U8: view = {DType::u8, shape, tensor->data}; return true;
  }
  return false;
}

loom_tensor describe(DType dtype, const Shape& shape) {
  loom_tensor out{};
  out.dtype = dtype == DType::f32 ? LOOM_F32 : dtype == DType::i32 ? LOOM_I32 : LOOM_U8;
  out.rank = shape.rank();
  for (int axis = 0; axis < out.rank; ++axis) out.shape[axis] = shape[axis];
  return out;
}

loom_tensor to_c(const Tensor& tensor) {
  loom_tensor out = describe(tensor.dtype(), tensor.shape());
  const std::size_t bytes = tensor.view().bytes();
  out.data = std::malloc(bytes > 0 ? bytes : 1);
  if (out.data == nullptr) throw std::bad_alloc();
  std::memcpy(out.data, tensor.view().raw(), bytes);
  return out;
}

}  // namespace loom::c

std::int32_t loom_api_version() { return LOOM_C_API_VERSION; }

loom_error loom_last_error() {
  const auto& last = loom::c::last;
  return {last.status, last.code.c_str(), last.text.c_str()};
}

std::int64_t loom_tensor_count(const loom_tensor* tensor) {
  if (tensor == nullptr) return 0;
  std::int64_t count = 1;
  for (std::int32_t axis = 0; axis < tensor->rank; ++axis) count *= tensor->shape[axis];
  return count;
}

void loom_tensor_free(loom_tensor* tensor) {
  if (tensor == nullptr) return;
  std::free(tensor->data);
  *tensor = {};
}
