// How far a port is filled while a map is drawn position by position.
#pragma once

namespace loom {

// At time t the positions before t are drawn, and that of t is wanted. In the order of how much is there.
enum class Filled {
  whole,        // everything, from the start: the port does not depend on what is drawn
  through,      // positions 0 to t
  before,       // positions 0 to t - 1
  rows_before,  // of an image: the rows above that of t
};

}  // namespace loom
