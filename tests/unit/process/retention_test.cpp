#include "process/retention.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace sojourn;
using process::RetentionPolicy;
using store::Version;

namespace {

constexpr std::uint64_t kMinuteUs = 60'000'000;
constexpr std::uint64_t kHourUs = 60 * kMinuteUs;
constexpr std::uint64_t kDayUs = 24 * kHourUs;
constexpr std::uint64_t kMidnightUs = 20'000 * kDayUs;

/// Checkpoints 1, 2, 3 … taken at these times.
std::vector<store::CheckpointInfo> taken_at(const std::vector<std::uint64_t>& times_us) {
    std::vector<store::CheckpointInfo> checkpoints;
    for (const std::uint64_t time_us : times_us) {
        store::CheckpointInfo info;
        info.id = Version{checkpoints.size() + 1};
        info.time_us = kMidnightUs + time_us;
        checkpoints.push_back(info);
    }
    return checkpoints;
}

std::vector<std::uint64_t> kept(const RetentionPolicy& policy,
                                const std::vector<store::CheckpointInfo>& checkpoints) {
    const auto removed = process::superseded(policy, checkpoints, checkpoints.back().id);
    std::vector<std::uint64_t> numbers;
    for (const auto& info : checkpoints) {
        if (std::ranges::find(removed, info.id) == removed.end()) {
            numbers.push_back(static_cast<std::uint64_t>(info.id));
        }
    }
    return numbers;
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("each rule keeps what it says and the rules add up", "[process][retention]") {
    // Three in one hour, one an hour later, two on the next day, one on the day after that.
    const auto checkpoints =
        taken_at({10 * kMinuteUs, 20 * kMinuteUs, 59 * kMinuteUs, 60 * kMinuteUs,
                  kDayUs + 5 * kHourUs, kDayUs + 7 * kHourUs, 2 * kDayUs + kHourUs});
    const std::pair<RetentionPolicy, Numbers> rows[] = {
        {{.last = 1}, {7}},
        {{.last = 3}, {5, 6, 7}},
        {{.last = 100}, {1, 2, 3, 4, 5, 6, 7}},
        {{.hourly = 1}, {7}},
        {{.hourly = 4}, {4, 5, 6, 7}},
        {{.hourly = 24}, {3, 4, 5, 6, 7}},
        {{.daily = 2}, {6, 7}},
        {{.daily = 7}, {4, 6, 7}},
        {{.last = 2, .daily = 7}, {4, 6, 7}},
        {{.last = 3, .hourly = 5, .daily = 7}, {3, 4, 5, 6, 7}},
    };
    for (const auto& [policy, expected] : rows) {
        INFO("last=" << policy.last << ",hourly=" << policy.hourly << ",daily=" << policy.daily);
        CHECK(kept(policy, checkpoints) == expected);
    }
}

TEST_CASE("pruning after every checkpoint leaves what pruning at the end would",
          "[process][retention]") {
    const RetentionPolicy policy{.last = 2, .hourly = 3, .daily = 2};
    std::vector<std::uint64_t> times;
    for (std::uint64_t minute = 0; minute < 2 * 24 * 60; minute += 7)
        times.push_back(minute * kMinuteUs);
    const auto all = taken_at(times);

    std::vector<store::CheckpointInfo> pruned;
    for (const auto& info : all) {
        pruned.push_back(info);
        for (const Version version : process::superseded(policy, pruned, info.id))
            std::erase_if(pruned, [&](const auto& old) { return old.id == version; });
    }

    REQUIRE(pruned.size() < 10);
    REQUIRE(kept(policy, pruned) == kept(policy, all));
}

TEST_CASE("a checkpoint with a message stays and does not count", "[process][retention]") {
    auto checkpoints = taken_at({0, 1, 2, 3, 4});
    checkpoints[0].message = "before the merge";
    checkpoints[3].message = "after the merge";

    REQUIRE(kept({.last = 2}, checkpoints) == Numbers{1, 3, 4, 5});
}

TEST_CASE("the head stays whatever the rules say", "[process][retention]") {
    const auto checkpoints = taken_at({0, 1, 2});

    const auto removed = process::superseded({.last = 1}, checkpoints, Version{2});

    REQUIRE(removed == std::vector{Version{1}});
}

TEST_CASE("a clock that was set back does not make the newest checkpoint old",
          "[process][retention]") {
    const auto checkpoints = taken_at({5 * kHourUs, 6 * kHourUs, 2 * kHourUs});

    REQUIRE(kept({.last = 1}, checkpoints) == Numbers{3});
}

TEST_CASE("removals are named oldest first", "[process][retention]") {
    const auto checkpoints = taken_at({0, 1, 2, 3});

    const auto removed = process::superseded({.last = 1}, checkpoints, Version{4});

    REQUIRE(removed == std::vector{Version{1}, Version{2}, Version{3}});
}
