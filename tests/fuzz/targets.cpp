#include <algorithm>

#include "tests/fuzz/target.hpp"

namespace sojourn::fuzz {

#define TARGET(name, rounds, what) \
    Seeds seeds_of_##name();       \
    void run_##name(Bytes input);
#include "tests/fuzz/targets.def"
#undef TARGET

std::span<const Target> targets() {
    static constexpr Target kTargets[] = {
#define TARGET(name, rounds, what) {#name, what, rounds, seeds_of_##name, run_##name},
#include "tests/fuzz/targets.def"
#undef TARGET
    };
    return kTargets;
}

const Target* find_target(std::string_view name) {
    const auto all = targets();
    const auto found = std::ranges::find(all, name, &Target::name);
    return found == all.end() ? nullptr : &*found;
}

}  // namespace sojourn::fuzz
