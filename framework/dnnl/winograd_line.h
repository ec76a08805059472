// Private to framework/dnnl: convolutions along one axis, for transforms that go down the rows of an image.
//
// A kernel of one row treats the rows of an image as so many sequences. With dilation d, each is d sequences that take turns,
// and positions d apart are neighbours: in memory [w, c] is [w / d, d, c], an image of w / d rows and d columns, with a kernel
// of one column.
// Thread safety: a function of its arguments.
#pragma once

#include "dnnl/convolution_shape.h"

namespace loom::dnnl::detail {

// The same convolution of the same memory, x, y and weight, with a kernel of one column where that of `shape` has one row; else
// `shape`. A dilation must divide the width and the padding.
ConvolutionShape turned_line(const ConvolutionShape& shape);

}  // namespace loom::dnnl::detail
