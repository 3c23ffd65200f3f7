#include <iostream>

#include <catch2/catch.hpp>

#include "tests/crash/effort.hpp"
#include "tests/fuzz/mutation.hpp"

using namespace sojourn::fuzz;

namespace {

void run_mutations_of(std::string_view name) {
    const Target& target = *find_target(name);
    const Seeds seeds = target.seeds();
    if (seeds.empty()) {
        std::cout << "test skipped: no real data for " << name << ": a tool was missing\n";
        return;
    }
    for (const auto& seed : seeds)
        target.run(seed);
    std::mt19937 random(81);
    const unsigned rounds = target.rounds * static_cast<unsigned>(sojourn::tests::effort());
    for (unsigned round = 0; round < rounds; ++round) {
        INFO("mutation " << round);
        target.run(mutated(seeds, random));
    }
    SUCCEED();
}

}  // namespace

#define TARGET(name, rounds, what)                                     \
    TEST_CASE("no mutation does harm to " #name ": " what, "[fuzz]") { \
        run_mutations_of(#name);                                       \
    }
#include "tests/fuzz/targets.def"
#undef TARGET
