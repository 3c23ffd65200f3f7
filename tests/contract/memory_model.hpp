#pragma once

#include <random>

#include <catch2/catch.hpp>

#include "store/compact.hpp"
#include "tests/contract/store_fixture.hpp"

/// What random histories of a store are compared with: a whole copy of memory for each checkpoint.
namespace sojourn::store {

inline constexpr std::uint64_t kModelUnits = 12;

using Memory = std::map<std::uint64_t, int>;  ///< unit ► its filling

/// Refills some units of `memory`; gives them as a guest would publish them.
inline std::vector<EncodedUnit> change(Memory& memory, std::mt19937& random) {
    Memory changes;
    for (std::uint64_t count = random() % 6; count > 0; --count)
        changes[random() % kModelUnits] = static_cast<int>(random() % 256);
    std::vector<EncodedUnit> units;
    for (const auto& [unit, value] : changes) {
        memory[unit] = value;
        units.push_back(encoded(unit, static_cast<std::uint8_t>(value)));
    }
    return units;
}

/// Unit by unit, as a guest touches them.
inline Memory read(const Family& family, View view) {
    Memory memory;
    ByteVector out(kTestUnitBytes);
    for (std::uint64_t unit = 0; unit < kModelUnits; ++unit) {
        const auto state = family.read_unit(view, {kRegion, UnitIndex{unit}}, out).value();
        if (state == UnitState::present) memory[unit] = std::to_integer<int>(out[0]);
    }
    return memory;
}

/// Where there are files.
inline void compact(Store& store) {
    if (store.directory().empty()) return;
    REQUIRE(compact_store(store, [](std::uint64_t) {}).ok());
}

inline void expect_sound(const Family& family) {
    const auto problems = family.verify().value();
    for (const std::string& problem : problems)
        FAIL(problem);
}

}  // namespace sojourn::store
