#pragma once

#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

/// Fails when the process ends without having said it.
inline void await_output(VmProcess& process, const std::string& text) {
    while (process.out().find(text) == std::string::npos) {
        INFO("waiting for " << text);
        REQUIRE_FALSE(process.has_ended());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace sojourn::tests
