#include <algorithm>
#include <chrono>

#include <catch2/catch.hpp>

#include "tests/crash/effort.hpp"
#include "tests/crash/recorded_run.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

bool makes_durable(const DiskEvent& event) {
    return event.record.is_durable != 0 || event.record.call == DiskCall::sync_file ||
           event.record.call == DiskCall::sync_directory;
}

/// Events during which the power goes, in order: half are calls that make something durable, a
/// quarter come right after an acknowledgement, a quarter are any.
std::vector<std::size_t> choose_moments(const std::vector<DiskEvent>& events, int count,
                                        std::mt19937& random) {
    std::vector<std::size_t> syncs;
    std::vector<std::size_t> answers;
    for (std::size_t index = 0; index < events.size(); ++index) {
        if (makes_durable(events[index])) syncs.push_back(index);
        if (events[index].record.call == DiskCall::say) answers.push_back(index + 1);
    }
    const auto any_of = [&](const std::vector<std::size_t>& from) {
        return from[random() % from.size()];
    };
    std::vector<std::size_t> moments;
    for (int image = 0; image < count; ++image) {
        const auto kind = random() % 4;
        moments.push_back(kind < 2 ? any_of(syncs)
                                   : (kind == 2 ? any_of(answers) : random() % events.size()));
    }
    std::sort(moments.begin(), moments.end());
    return moments;
}

struct Losses {
    int image_count = 0;
    std::vector<std::string> found;
};

/// Opens `count` of the images that a power cut during `run` could leave.
Losses find_losses(const RecordedRun& run, const std::string& program, SyncsThatCount counting,
                   int count, unsigned seed) {
    std::mt19937 random(seed);
    const TemporaryFolder folder;
    CrashDisk disk(counting);
    Promise promise;
    std::size_t next = 0;
    Losses losses;
    for (const std::size_t moment : choose_moments(run.events(), count, random)) {
        for (; next < moment; ++next) {
            const DiskEvent& event = run.events()[next];
            disk.apply(event);
            if (event.record.call == DiskCall::say) promise.hear(event.data);
        }
        CrashDisk stopped = disk;
        if (moment < run.events().size()) stopped.begin(run.events()[moment]);
        const fs::path image = folder.path() / "image";
        stopped.leave_in(image, random);
        ++losses.image_count;
        const std::string loss = loss_in(image, promise, run, program);
        if (!loss.empty()) {
            losses.found.push_back("image " + std::to_string(losses.image_count) +
                                   ", power cut at event " + std::to_string(moment) + ": " + loss);
        }
        fs::remove_all(image);
    }
    return losses;
}

}  // namespace

TEST_CASE("whatever a power cut leaves of a store holds what was acknowledged",
          "[crash][images][random]") {
    const auto program = guest("steps");
    if (!program) return;
    const TemporaryFolder folder;
    const RecordedRun run(*program, folder);
    const unsigned seed = announced_seed();

    const Losses losses = find_losses(run, *program, {}, 240 * effort(), seed);

    WARN(losses.image_count << " images out of " << run.events().size() << " disk calls");
    for (const std::string& loss : losses.found)
        UNSCOPED_INFO(loss);
    REQUIRE(losses.found.empty());
}

TEST_CASE("where syncs do nothing, a power cut loses what was acknowledged", "[crash][images]") {
    const auto program = guest("steps");
    if (!program) return;
    const TemporaryFolder folder;
    const RecordedRun run(*program, folder);
    const unsigned seed = announced_seed();
    const auto [name, counting] = GENERATE(values<std::pair<std::string, SyncsThatCount>>({
        {"no sync at all", {false, false, false}},
        {"no fsync of files", {false, true, true}},
        {"no fsync of directories", {true, false, true}},
        {"no O_DSYNC", {true, true, false}},
    }));
    INFO(name);

    const Losses losses = find_losses(run, *program, counting, 64, seed);

    REQUIRE_FALSE(losses.found.empty());
}
