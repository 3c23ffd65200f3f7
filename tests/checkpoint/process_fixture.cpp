#include "tests/checkpoint/process_fixture.hpp"

#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

namespace sojourn::tests {

void await(const std::string& what, const std::function<bool()>& condition) {
    using namespace std::chrono_literals;
    for (auto waited = 0ms; waited < 60s; waited += 2ms) {
        if (condition()) return;
        std::this_thread::sleep_for(2ms);
    }
    FAIL("waited too long for " << what);
}

void await_output(const VmProcess& process, const std::string& text) {
    await("the output " + text, [&] { return process.out().find(text) != std::string::npos; });
}

}  // namespace sojourn::tests
