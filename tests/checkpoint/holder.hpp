#pragma once

#include "tests/checkpoint/process_fixture.hpp"

namespace sojourn::tests {

/// Runs the guest `holder` as the process `job`, takes a checkpoint `job@1` when it has filled its
/// memory, and suspends it (`job@2`) when it has changed it. Gives what it had printed by then:
/// a resume, which finds no more input, prints the rest at once. Empty, after a warning, when it
/// could not be begun.
std::string suspend_when_changed(const ProcessFixture& fixture, const std::string& program,
                                 const std::vector<std::string>& run_options);

}  // namespace sojourn::tests
