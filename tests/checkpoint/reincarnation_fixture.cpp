#include "tests/checkpoint/reincarnation_fixture.hpp"

#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <iostream>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace fs = std::filesystem;

namespace sojourn::tests {

namespace {

const std::vector<std::string> kMechanisms = {"uffd-async", "uffd-sync", "mprotect"};
const std::vector<std::string> kCaches = {"512K", "1M", "unlimited"};

/// Names and contents of all files below `folder`, in one text.
std::string contents_of(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::string text;
    for (const auto& path : paths) {
        text += path.lexically_relative(folder).native() + ":\n";
        if (fs::is_regular_file(path)) text += read_text(path);
    }
    return text;
}

/// A run that may not use the mechanism proves nothing.
bool is_on_this_host(const std::string& mechanism) {
    const auto program = guest("arguments");
    if (!program) return true;
    const Run run =
        run_guest({"arguments"}, *program, {"--cache=1M", "--heap-mechanism=" + mechanism});
    if (run.result.exit_code != 125) return true;
    WARN("not on this host: " << run.result.err);
    return false;
}

std::uint64_t announced_seed() {
    const char* given = std::getenv("SOJOURN_SEED");
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cerr << "reincarnation: repeat with SOJOURN_SEED=" << seed << "\n";
    return seed;
}

bool is_whole() {
    const char* matrix = std::getenv("SOJOURN_MATRIX");
    return matrix != nullptr && matrix == std::string("whole");
}

}  // namespace

Run run_guest(const Guest& guest, const std::string& program,
              const std::vector<std::string>& options) {
    TemporaryFolder folder;
    const fs::path work = folder.path() / "work";
    const fs::path stats = folder.path() / "stats.json";
    fs::create_directory(work);
    std::vector<std::string> command = {"run", "--stats", stats, "--env", "GREETING=hello"};
    command.emplace_back(guest.is_on_volume ? "--volume" : "--dir");
    command.push_back((guest.is_on_volume ? "work" : work.native()) + "::/");
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(program);
    command.insert(command.end(), guest.arguments.begin(), guest.arguments.end());
    folder.write("input", guest.input);
    const sojourn::UniqueFd input(::open((folder.path() / "input").c_str(), O_RDONLY | O_CLOEXEC));
    Run run;
    run.result = vm(command, {{"TMPDIR=" + folder.path().native()}, folder.path(), input.get()});
    run.files = contents_of(work);
    run.stats = nlohmann::json::parse(read_text(stats), nullptr, false);
    return run;
}

HabitatMatrix::HabitatMatrix() : random_(announced_seed()) {
    std::copy_if(kMechanisms.begin(), kMechanisms.end(), std::back_inserter(mechanisms_),
                 is_on_this_host);
}

std::vector<Habitat> HabitatMatrix::habitats() {
    std::vector<std::string> caches = kCaches;
    std::shuffle(caches.begin(), caches.end(), random_);
    std::vector<Habitat> habitats;
    for (std::size_t i = 0; i < mechanisms_.size(); ++i) {
        for (std::size_t j = 0; j < caches.size(); ++j) {
            if (is_whole() || i == j) habitats.push_back({mechanisms_[i], caches[j]});
        }
    }
    return habitats;
}

std::uint64_t HabitatMatrix::interval(std::uint64_t most) {
    std::uniform_real_distribution<double> exponents(std::log(2), std::log(most));
    return static_cast<std::uint64_t>(std::exp(exponents(random_)));
}

Run expect_same_when_reincarnated(const Guest& guest, const std::string& program,
                                  const Run& expected, const Habitat& habitat,
                                  std::uint64_t every) {
    INFO(guest.name << " with " << habitat.mechanism << " and a cache of " << habitat.cache
                    << ", reincarnated at every " << every << ". safepoint");

    Run run = run_guest(guest, program,
                        {"--heap-mechanism=" + habitat.mechanism, "--cache=" + habitat.cache,
                         "--reincarnate-every=" + std::to_string(every)});

    CHECK(run.result.err == expected.result.err);
    CHECK(run.result.out == expected.result.out);
    CHECK(run.result.exit_code == guest.exit_code);
    CHECK(run.files == expected.files);
    REQUIRE(run.stats["heap_mechanism"] == habitat.mechanism);
    const auto safepoints = run.stats["safepoints"].get<std::uint64_t>();
    const auto reincarnations = run.stats["reincarnations"].get<std::uint64_t>();
    CHECK(reincarnations >= safepoints / every - 1);
    CHECK(reincarnations <= safepoints / every + 1);
    CHECK(run.stats["checkpoints"] == reincarnations);
    CHECK(run.stats["host_calls"] == expected.stats["host_calls"]);
    CHECK(run.stats["safepoints"] == expected.stats["safepoints"]);
    return run;
}

}  // namespace sojourn::tests
