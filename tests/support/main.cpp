// The main function of every test program.
#define BOOST_TEST_MODULE latentloom
#define BOOST_TEST_MAIN

#include <boost/test/unit_test.hpp>
