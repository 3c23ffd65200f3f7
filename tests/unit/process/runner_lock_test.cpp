#include "process/runner_lock.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::process;

namespace {

const store::ProcessId kProcess{};

}  // namespace

TEST_CASE("a lock that is held is refused to the next one, who learns the pid", "[process]") {
    tests::TemporaryFolder folder;
    const auto first = RunnerLock::acquire(folder.path(), kProcess);
    REQUIRE(first.ok());

    const auto second = RunnerLock::acquire(folder.path(), kProcess);

    REQUIRE(second.error().code == ErrorCode::busy);
    REQUIRE(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("a free lock has no holder, a held one tells its pid", "[process]") {
    tests::TemporaryFolder folder;
    REQUIRE_FALSE(RunnerLock::holder(folder.path(), kProcess).has_value());
    {
        const auto lock = RunnerLock::acquire(folder.path(), kProcess);
        REQUIRE(RunnerLock::holder(folder.path(), kProcess) == ::getpid());
    }
    REQUIRE_FALSE(RunnerLock::holder(folder.path(), kProcess).has_value());
}

TEST_CASE("looking at a lock does not let go of it", "[process]") {
    tests::TemporaryFolder folder;
    const auto lock = RunnerLock::acquire(folder.path(), kProcess);

    for (int i = 0; i < 3; ++i)
        REQUIRE(RunnerLock::holder(folder.path(), kProcess).has_value());

    REQUIRE_FALSE(RunnerLock::acquire(folder.path(), kProcess).ok());
}

TEST_CASE("the lock of a runner that was killed is free", "[process]") {
    tests::TemporaryFolder folder;
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = RunnerLock::acquire(folder.path(), kProcess);
        for (;;)
            ::pause();
    }
    while (RunnerLock::holder(folder.path(), kProcess) != child)
        ::usleep(1000);

    ::kill(child, SIGKILL);
    RunnerLock::wait_until_free(folder.path(), kProcess);

    REQUIRE(RunnerLock::acquire(folder.path(), kProcess).ok());
    ::waitpid(child, nullptr, 0);
}

TEST_CASE("a lock whose file was removed is taken on the file that is there now", "[process]") {
    tests::TemporaryFolder folder;
    auto removed = RunnerLock::acquire(folder.path(), kProcess);
    removed->remove();

    const auto lock = RunnerLock::acquire(folder.path(), kProcess);

    REQUIRE(lock.ok());
    REQUIRE(RunnerLock::holder(folder.path(), kProcess) == ::getpid());
}
