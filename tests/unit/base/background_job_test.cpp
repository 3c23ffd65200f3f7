#include "base/background_job.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using namespace sojourn;

TEST_CASE("a job that fails stops the next from beginning", "[base]") {
    BackgroundJob job;
    std::atomic<bool> has_run = false;
    REQUIRE(job.begin([]() -> Result<void> { return fail(ErrorCode::io, "no disk"); }).ok());

    const auto second = job.begin([&]() -> Result<void> {
        has_run = true;
        return {};
    });

    REQUIRE(second.error().message == "no disk");
    REQUIRE_FALSE(has_run);
    REQUIRE(job.finish().ok());
}

TEST_CASE("a job that goes away is waited for", "[base]") {
    std::atomic<int> done = 0;

    {
        BackgroundJob job;
        for (int i = 0; i < 3; ++i) {
            const auto begun = job.begin([&]() -> Result<void> {
                ++done;
                return {};
            });
            REQUIRE(begun.ok());
        }
    }

    REQUIRE(done == 3);
}
