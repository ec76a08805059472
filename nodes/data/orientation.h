// The orientation tag that cameras write into images.
//
// Thread safety: functions without state.
#pragma once

#include "image_formats.h"

namespace loom {

// The orientation in an Exif block, with or without its leading "Exif": 1 to 8; 1 if there is none or the block is
// damaged.
int exif_orientation(Bytes block);

// The image turned and mirrored so that orientation 1 applies.
Image upright(Image image, int orientation);

}  // namespace loom
