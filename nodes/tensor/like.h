// The extents of what a node makes out of nothing: given by the option `shape`, or those of the port that is connected to
// `like`, whose values are not read.
#pragma once

#include "loom/node.h"

namespace loom::nodes {

inline void declare_shape(Contract& c) {
  c.input("like", "[N, ...E]", "a port of the wanted shape; its values are not read").shape_only();
  c.option("shape", OptionValue(), integer_list().at_least(1),
           "extents of one sample, without the batch, where `like` is not connected");
}

// False, with a diagnostic, if the shape is not known or given twice.
inline bool check_shape_given(ShapeInference& s) {
  const bool like = s.has_input("like"), shape = s.options().has("shape");
  if (like != shape) return true;
  s.fail(like ? "the shape is given twice" : "the shape is not known",
         like ? "shape and like" : "neither shape nor like", "shape: [extents], or in: {like: a port}");
  return false;
}

// Binds ...E. False, with a diagnostic, if the shape is not known or given twice.
inline bool infer_shape(ShapeInference& s) {
  if (!check_shape_given(s)) return false;
  if (s.options().has("shape")) s.bind_run("E", s.options().integers("shape"));
  return true;
}

}  // namespace loom::nodes
