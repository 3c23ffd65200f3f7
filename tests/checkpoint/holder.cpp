#include "tests/checkpoint/holder.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sojourn::tests {

std::string suspend_when_changed(const ProcessFixture& fixture, const std::string& program,
                                 const std::vector<std::string>& run_options) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    std::vector<std::string> command = {"run", "--name", "job"};
    command.insert(command.end(), run_options.begin(), run_options.end());
    command.push_back(program);
    VmOptions options = fixture.options();
    options.standard_input = ends[0];
    VmProcess runner(command, options);
    await("the guest's first words",
          [&] { return runner.has_ended() || runner.out().find("filled") != std::string::npos; });
    ::close(ends[0]);
    if (runner.has_ended()) {
        ::close(ends[1]);
        WARN("not on this host: " << runner.wait().err);
        return "";
    }

    REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(::write(ends[1], "\n", 1) == 1);
    await_output(runner, "changed");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    ::close(ends[1]);
    REQUIRE(runner.wait().exit_code == 75);
    return runner.wait().out;
}

}  // namespace sojourn::tests
