// The entry point of every test program. Written out, since the precompiled header has read Boost.Test before any
// macro of this file could ask it to define one.
#include <boost/test/unit_test.hpp>

namespace {
bool start() { return true; }
}  // namespace

int main(int count, char** arguments) { return boost::unit_test::unit_test_main(&start, count, arguments); }
