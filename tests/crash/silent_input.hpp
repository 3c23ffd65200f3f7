#pragma once

#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

/// An input that stays open and says nothing: a guest that reads it waits.
class SilentInput {
public:
    SilentInput() { REQUIRE(::pipe2(ends_, O_CLOEXEC) == 0); }
    ~SilentInput() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    SilentInput(const SilentInput&) = delete;
    SilentInput& operator=(const SilentInput&) = delete;
    [[nodiscard]] int reader() const { return ends_[0]; }

private:
    int ends_[2] = {-1, -1};
};

/// Fails when the process ends without having said it.
inline void await_output(VmProcess& process, const std::string& text) {
    while (process.out().find(text) == std::string::npos) {
        INFO("waiting for " << text);
        REQUIRE_FALSE(process.has_ended());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace sojourn::tests
