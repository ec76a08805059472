// The type of an output that does not follow from an input's.
#pragma once

#include "loom/contract.h"

namespace loom {

inline DType declared_dtype(const PortDeclaration& output, const Options& options) {
  if (output.type_option.empty() || !options.is_text(output.type_option)) return output.type;
  const std::string& name = options.text(output.type_option);
  return name == name_of(DType::i32) ? DType::i32 : name == name_of(DType::u8) ? DType::u8 : DType::f32;
}

}  // namespace loom
