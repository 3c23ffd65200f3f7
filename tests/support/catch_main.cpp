// A handler that Catch put in front of each test case would take the heap's faults for crashes.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
