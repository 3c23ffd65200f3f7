#pragma once

#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sojourn::tests {

/// A standard input that stays open and holds what the test writes: a guest that has read it waits.
class InputPipe {
public:
    InputPipe() { REQUIRE(::pipe2(ends_, O_CLOEXEC) == 0); }
    ~InputPipe() {
        end();
        ::close(ends_[0]);
    }
    InputPipe(const InputPipe&) = delete;
    InputPipe& operator=(const InputPipe&) = delete;

    /// The end that a vm reads.
    [[nodiscard]] int reader() const { return ends_[0]; }
    /// At most what a pipe holds, since nobody may be reading.
    void write(const std::string& text) const {
        REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    /// What was written is all.
    void end() {
        if (ends_[1] != -1) ::close(ends_[1]);
        ends_[1] = -1;
    }

private:
    int ends_[2] = {-1, -1};
};

}  // namespace sojourn::tests
