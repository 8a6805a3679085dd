// SPDX-License-Identifier: BSL-1.0
// The tests' own main: a test program starts copies of itself as children.
#define BOOST_TEST_NO_MAIN
#include <ferry/init.hpp>

#include <boost/test/unit_test.hpp>

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
